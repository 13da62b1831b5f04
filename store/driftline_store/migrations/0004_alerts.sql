-- Changes of state of alert rules, append-only; the latest row per rule and segment is its state.
CREATE TABLE IF NOT EXISTS alert_transitions (
    id String,
    rule LowCardinality(String),
    segment Map(LowCardinality(String), String),
    state LowCardinality(String),                     -- firing or resolved
    at DateTime64(3, 'UTC'),
    started DateTime64(3, 'UTC'),                     -- when it began to fire
    metric LowCardinality(String),
    value Float64,
    threshold Float64,
    n UInt64,
    detail String
)
ENGINE = MergeTree
ORDER BY (rule, at)
SETTINGS non_replicated_deduplication_window = 10000;

-- Attempts to tell people about a transition.
CREATE TABLE IF NOT EXISTS alert_deliveries (
    transition_id String,
    channel LowCardinality(String),
    at DateTime64(3, 'UTC') DEFAULT now64(3),
    delivered Bool,
    error String
)
ENGINE = MergeTree
ORDER BY (transition_id, at)
SETTINGS non_replicated_deduplication_window = 10000;
