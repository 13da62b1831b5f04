-- What drift detection knows, so that it goes on where it was: a row for each of its states, those of one moment written
-- by one insert. The latest `step` rules; older ones leave when parts are merged.
CREATE TABLE IF NOT EXISTS drift_snapshots (
    name LowCardinality(String),
    step UInt64,
    at DateTime64(3, 'UTC') DEFAULT now64(3),
    state String CODEC(NONE)                          -- compressed
)
ENGINE = ReplacingMergeTree(step)
ORDER BY name;

-- What changed in the application: noticed in its spans, or told. A repeat of an id is the same event.
CREATE TABLE IF NOT EXISTS drift_events (
    id String,
    at DateTime64(3, 'UTC'),
    kind LowCardinality(String),                      -- prompt_version, model, response_model, release, deploy, …
    segment Map(LowCardinality(String), String),      -- empty: everything
    before String,
    after String,
    source LowCardinality(String),                    -- noticed or told
    text String,
    noted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(noted_at)
ORDER BY id;

-- What drift detection found, complete as it was told: one row for each message about an incident.
CREATE TABLE IF NOT EXISTS drift_findings (
    id String,
    incident String,                                  -- what belongs together
    at DateTime64(3, 'UTC'),
    kind LowCardinality(String),                      -- opened, joined, grown, recovered or accepted
    metric LowCardinality(String),
    segment Map(LowCardinality(String), String),
    body String CODEC(ZSTD(3))                        -- JSON
)
ENGINE = MergeTree
ORDER BY at
SETTINGS non_replicated_deduplication_window = 1000;

-- What people want done about incidents; drift detection looks for new rows in each of its steps.
CREATE TABLE IF NOT EXISTS drift_actions (
    action LowCardinality(String),                    -- accept: what an incident led to is normal; learn: what was then is
    incident String,                                  -- of accept
    metric LowCardinality(String),                    -- of learn; '' for all, as of the segment
    segment Map(LowCardinality(String), String),
    since DateTime64(3, 'UTC'),
    until DateTime64(3, 'UTC'),
    by String,
    at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY at;
