-- Answers that people have scored, which the judge scores again and again: when its scores of these move, it is the
-- judge that has changed. The latest row of an id rules.
CREATE TABLE IF NOT EXISTS anchors (
    id String,                                        -- of the trace that it was taken from, or as imported
    trace_id String,                                  -- '' where it is of none
    service LowCardinality(String),
    environment LowCardinality(String),
    feature LowCardinality(String),
    model LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    variant LowCardinality(String),
    system String CODEC(ZSTD(3)),
    input String CODEC(ZSTD(3)),
    output String CODEC(ZSTD(3)),
    score Float64,                                    -- by people, 0 to 1
    note String,
    active Bool DEFAULT true,
    set_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(set_at)
ORDER BY id;
