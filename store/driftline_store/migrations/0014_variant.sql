-- Which variant of an experiment a request was part of, as "experiment:variant"; a dimension like the others.
ALTER TABLE llm_spans ADD COLUMN IF NOT EXISTS variant LowCardinality(String) AFTER prompt_version;
ALTER TABLE evaluations ADD COLUMN IF NOT EXISTS variant LowCardinality(String) AFTER prompt_version;
ALTER TABLE evaluations_matched ADD COLUMN IF NOT EXISTS variant LowCardinality(String) AFTER prompt_version;
ALTER TABLE judge_queue ADD COLUMN IF NOT EXISTS variant LowCardinality(String) AFTER prompt_version;
ALTER TABLE unpriced_calls ADD COLUMN IF NOT EXISTS variant LowCardinality(String) AFTER prompt_version;
ALTER TABLE cost_corrections ADD COLUMN IF NOT EXISTS variant LowCardinality(String) AFTER prompt_version;
ALTER TABLE llm_traces ADD COLUMN IF NOT EXISTS variant LowCardinality(String) AFTER prompt_version;
ALTER TABLE llm_sessions ADD COLUMN IF NOT EXISTS variant LowCardinality(String) AFTER prompt_version;
-- The engine takes a column into the sorting key only in the statement that adds it.
ALTER TABLE llm_rollups
    ADD COLUMN IF NOT EXISTS variant LowCardinality(String) AFTER prompt_version,
    MODIFY ORDER BY (resolution, at, service, environment, feature, model, prompt_name, prompt_version, variant);
