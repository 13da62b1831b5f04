-- What each monitor of drift detection was at: a row when that changed, and one every six hours. The latest row of a
-- stream is what it is at now. People ask what all are at, so what is of one time lies together.
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

-- What each of them promises; worked out now and then, as it takes a second for each.
CREATE TABLE IF NOT EXISTS drift_promises (
    stream String,
    at DateTime64(3, 'UTC'),
    n Float64,                                        -- observations of the baseline that it was worked out from
    false_a_month Float64,
    size Float64,                                     -- of a typical change: of a score absolute, else a share
    days Nullable(Float64),                           -- until it is found, in half the cases; NULL: not within 60
    smallest Nullable(Float64)                        -- change that is found within a week; NULL: none is
)
ENGINE = ReplacingMergeTree(at)
ORDER BY stream;
