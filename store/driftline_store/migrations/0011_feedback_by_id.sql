-- Feedback and scores that name their request by an id alone. They wait here until it is found; rows stay as they came.
CREATE TABLE IF NOT EXISTS evaluations_pending (
    id UUID,                                          -- of this row, made when it was stored
    arrived DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    said DateTime64(6, 'UTC'),                        -- time of the event
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    response_id String CODEC(ZSTD(1)),
    service LowCardinality(String),                   -- that sent it, which need not be the one that answered
    environment LowCardinality(String),
    name LowCardinality(String),
    source LowCardinality(String),
    score Nullable(Float64),
    label LowCardinality(String),
    explanation String CODEC(ZSTD(3)),
    error String
)
ENGINE = MergeTree
ORDER BY (arrived, id)
SETTINGS non_replicated_deduplication_window = 10000;

-- What became of them, in numbered batches. A batch is written here as a whole before its rows go to `evaluations`.
CREATE TABLE IF NOT EXISTS evaluations_matched (
    batch UInt64,
    id UUID,
    arrived DateTime64(3, 'UTC'),                     -- as in evaluations_pending
    at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    reason LowCardinality(String),                    -- why it was given up; '' when its request was found
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    request_start DateTime64(6, 'UTC'),
    service LowCardinality(String),
    environment LowCardinality(String),
    feature LowCardinality(String),
    model LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    INDEX by_time at TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (batch, id)
SETTINGS non_replicated_deduplication_window = 10000;

-- How far that is: the last batch whose rows are all stored, and when each round of looking was last made.
CREATE TABLE IF NOT EXISTS matching_steps (
    step LowCardinality(String),
    batch UInt64,
    at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY step;
