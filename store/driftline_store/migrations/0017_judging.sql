-- Who judges what, and how often. The latest row of each evaluator rules; the judge's leader writes them.
CREATE TABLE IF NOT EXISTS judge_plan (
    evaluator String,                                 -- its name
    rank UInt32,                                      -- place in the configuration; that of the first one is `quality`
    unit LowCardinality(String),                      -- request, trace or session
    rate Float64,                                     -- base rate, 0 to 1
    error_rate Float64,                               -- of those that failed; 0: they are not judged
    per_day Nullable(Decimal(18, 6)),                 -- USD that it may spend in a day of UTC; NULL: no limit
    per_month Nullable(Decimal(18, 6)),
    features Array(String),                           -- that it applies to; empty: all
    models Array(String),
    operations Array(String),
    active Bool,
    set_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(set_at)
ORDER BY evaluator;

-- The views and the dictionary of the one rate that there was.
DROP VIEW IF EXISTS llm_spans_to_judge_queue;
DROP DICTIONARY IF EXISTS judge_rate;
DROP TABLE IF EXISTS judge_rates;

-- Rates that a segment is raised to for a time, whatever becomes of its requests. The latest row of a key rules.
CREATE TABLE IF NOT EXISTS judge_rates (
    evaluator String,
    service String,
    environment String,
    feature String,
    prompt_name String,
    prompt_version String,
    rate Float64,
    until DateTime64(3, 'UTC'),                       -- from when on it does not hold any more
    reason LowCardinality(String),                    -- few_judged, new_version, drift
    set_at DateTime64(3, 'UTC') DEFAULT now64(3)      -- from when on it holds
)
ENGINE = ReplacingMergeTree(set_at)
ORDER BY (evaluator, service, environment, feature, prompt_name, prompt_version);

-- What is to be judged, one row for each evaluator. A trace has no span, a session neither span nor trace.
ALTER TABLE judge_queue
    -- The one judge there was, by the name of the rubric that comes with Driftline.
    ADD COLUMN IF NOT EXISTS evaluator LowCardinality(String) DEFAULT 'quality' AFTER queued_at,
    ADD COLUMN IF NOT EXISTS unit LowCardinality(String) DEFAULT 'request' AFTER evaluator,
    ADD COLUMN IF NOT EXISTS unit_id String DEFAULT trace_id AFTER unit,
    ADD COLUMN IF NOT EXISTS run LowCardinality(String) AFTER unit_id,
    ADD COLUMN IF NOT EXISTS tier LowCardinality(String) DEFAULT 'base' AFTER inclusion_probability,
    ADD COLUMN IF NOT EXISTS uniform_probability Float64 DEFAULT inclusion_probability AFTER tier;

ALTER TABLE evaluations
    ADD COLUMN IF NOT EXISTS unit LowCardinality(String) DEFAULT 'request' AFTER variant,
    -- What was judged: a trace's or a session's id; of scores by people ''.
    ADD COLUMN IF NOT EXISTS unit_id String DEFAULT if(source = 'judge', trace_id, '') CODEC(ZSTD(1)) AFTER unit,
    ADD COLUMN IF NOT EXISTS run LowCardinality(String) AFTER unit_id,     -- '' is production; else what asked for it
    -- Lowest threshold that chose it: base, raised or boost; what only a boost has chosen is no uniform sample.
    ADD COLUMN IF NOT EXISTS tier LowCardinality(String) DEFAULT 'base' AFTER inclusion_probability,
    ADD COLUMN IF NOT EXISTS uniform_probability Float64 DEFAULT inclusion_probability AFTER tier,
    ADD COLUMN IF NOT EXISTS criteria Map(LowCardinality(String), Float64) CODEC(ZSTD(1)) AFTER label,
    ADD COLUMN IF NOT EXISTS response_model LowCardinality(String) AFTER evaluator,
    ADD COLUMN IF NOT EXISTS content_hash String CODEC(ZSTD(1)) AFTER response_model,
    ADD COLUMN IF NOT EXISTS is_cached Bool AFTER cost,
    ADD COLUMN IF NOT EXISTS tokens_in UInt64 CODEC(ZSTD(1)) AFTER is_cached,
    ADD COLUMN IF NOT EXISTS tokens_out UInt64 CODEC(ZSTD(1)) AFTER tokens_in,
    ADD COLUMN IF NOT EXISTS judge_calls UInt32 CODEC(ZSTD(1)) AFTER tokens_out,
    ADD COLUMN IF NOT EXISTS batch String CODEC(ZSTD(1)),                  -- token of the insert that brought it
    ADD INDEX IF NOT EXISTS by_unit unit_id TYPE bloom_filter(0.001) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_content content_hash TYPE bloom_filter(0.001) GRANULARITY 1;
