-- Which instrument made the judged sums of a row, so that those of two are never averaged; '' in rows without any,
-- and in those of before, which did not tell them apart.
ALTER TABLE llm_rollups
    ADD COLUMN IF NOT EXISTS evaluator LowCardinality(String) AFTER variant,
    MODIFY ORDER BY (
        resolution, at, service, environment, feature, model, prompt_name, prompt_version, variant, evaluator
    );

-- Scores by evaluator, instrument and criterion, at the resolutions of llm_rollups. Detectors read those by arrival:
-- counts of the uniform sample, unweighted. `base` counts are the part that every segment is sampled alike in.
CREATE TABLE IF NOT EXISTS judged_rollups (
    resolution Enum8('minute' = 1, 'hour' = 2, 'day' = 3, 'arrival' = 4),
    at DateTime('UTC'),
    name LowCardinality(String),                                               -- of the evaluator
    evaluator LowCardinality(String),                                          -- fingerprint
    criterion LowCardinality(String),                                          -- '' is the score as a whole
    unit LowCardinality(String),                                               -- request, trace, session or anchor
    run LowCardinality(String),
    service LowCardinality(String),
    environment LowCardinality(String),
    feature LowCardinality(String),
    model LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    variant LowCardinality(String),
    judged SimpleAggregateFunction(sum, Int64),
    failures SimpleAggregateFunction(sum, Int64),                              -- without a score; not by criterion
    -- sums of powers of the weight w = 1 / inclusion probability and the score s
    w SimpleAggregateFunction(sum, Float64),
    ws SimpleAggregateFunction(sum, Float64),
    w2 SimpleAggregateFunction(sum, Float64),
    w2s SimpleAggregateFunction(sum, Float64),
    w2s2 SimpleAggregateFunction(sum, Float64),
    -- unweighted, by level: the score in steps of a twentieth
    uniform_levels SimpleAggregateFunction(sumMap, Map(Int16, Int64)),
    base_levels SimpleAggregateFunction(sumMap, Map(Int16, Int64)),
    cost SimpleAggregateFunction(sum, Decimal(38, 12))                         -- USD; not by criterion
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (
    resolution, at, name, evaluator, criterion, unit, run,
    service, environment, feature, model, prompt_name, prompt_version, variant
)
SETTINGS non_replicated_deduplication_window = 10000;
