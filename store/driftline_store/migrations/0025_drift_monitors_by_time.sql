-- People ask what all monitors are at now, so what is of one time lies together. What was there comes anew by itself.
DROP TABLE IF EXISTS drift_monitors;
CREATE TABLE IF NOT EXISTS drift_monitors (
    stream String,                                    -- id of metric, instrument, segment and direction
    at DateTime64(3, 'UTC'),                          -- up to which arrival it was looked at
    metric LowCardinality(String),
    evaluator LowCardinality(String),
    instrument LowCardinality(String),
    segment Map(LowCardinality(String), String),
    falls Bool,                                       -- whether falling is the harm that it looks for
    state LowCardinality(String),                     -- learning, watching, inherited, suspicious, small, episode, …
    n Float64,                                        -- observations of the baseline
    per_day Float64,                                  -- observations a day
    level Nullable(Float64),                          -- of the baseline, in the metric's unit
    evidence Float64,                                 -- share of what raises an alarm: from 1 on it is one
    false_a_month Float64,                            -- false alarms in 30 days that it may raise
    started Nullable(DateTime64(3, 'UTC'))            -- since when, where something is going on
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (at, stream)
SETTINGS non_replicated_deduplication_window = 1000;
