-- Scores by judges, people and rules, each with the segment and start of the request that it is about.
CREATE TABLE IF NOT EXISTS evaluations (
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    response_id String CODEC(ZSTD(1)),
    request_start DateTime64(6, 'UTC'),
    at DateTime64(3, 'UTC'),
    service LowCardinality(String),
    environment LowCardinality(String),
    feature LowCardinality(String),
    model LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    name LowCardinality(String),
    source LowCardinality(String),                    -- judge, human or rule
    score Nullable(Float64),                          -- 0 (bad) to 1 (good)
    label LowCardinality(String),
    explanation String CODEC(ZSTD(3)),
    evaluator LowCardinality(String),                 -- fingerprint: model, rubric and its version
    inclusion_probability Float64,                    -- with which the request was chosen; 1 for feedback
    cost Nullable(Decimal(18, 12)),                   -- USD, of the judgement itself
    error String                                      -- why there is no score
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (trace_id, span_id, name, at)
SETTINGS non_replicated_deduplication_window = 10000;

-- Requests chosen for judging, with what the judge has to read. Leaves after a week, judged or not.
CREATE TABLE IF NOT EXISTS judge_queue (
    trace_id String,
    span_id String,
    queued_at DateTime64(3, 'UTC'),
    request_start DateTime64(6, 'UTC'),
    service LowCardinality(String),
    environment LowCardinality(String),
    feature LowCardinality(String),
    model LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    inclusion_probability Float64,
    system String CODEC(ZSTD(3)),
    input String CODEC(ZSTD(3)),
    output String CODEC(ZSTD(3))
)
ENGINE = MergeTree
ORDER BY (queued_at, trace_id)
TTL toDateTime(queued_at) + INTERVAL 7 DAY
SETTINGS non_replicated_deduplication_window = 10000;

-- The share of requests that is judged, as a threshold on the 56 random bits of a trace id. Latest row rules.
CREATE TABLE IF NOT EXISTS judge_rates (
    scope String,                                     -- '' is everything
    rate Float64,
    set_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(set_at)
ORDER BY scope;
