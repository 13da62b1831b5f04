-- Answers that people should look at, as the review rules of alerts.yaml found them: of each rule and trace one.
CREATE TABLE IF NOT EXISTS review_cases (
    rule LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    start DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)), -- of that span
    service LowCardinality(String),
    environment LowCardinality(String),
    feature LowCardinality(String),
    model LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    variant LowCardinality(String),
    found String,                                     -- what the rule looks for: a phrase, a pattern, a confidence
    at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (rule, trace_id);

-- Until when of arrival they have looked: one row.
CREATE TABLE IF NOT EXISTS review_positions (
    until DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(until)
ORDER BY tuple();
