-- What was removed on request, without the id that it was about.
CREATE TABLE IF NOT EXISTS purges (
    at DateTime64(3, 'UTC') DEFAULT now64(3),
    kind LowCardinality(String),                      -- user, session or trace
    sha256 String,                                    -- of the id, in hexadecimal
    by String,                                        -- who ran it, as user@host
    rows Map(LowCardinality(String), UInt64)          -- table -> rows emptied or deleted
)
ENGINE = MergeTree
ORDER BY at;

-- The traces that were purged: a replay, which reads their messages again, purges them again.
CREATE TABLE IF NOT EXISTS purged_traces (
    trace_id String,
    at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(at)
ORDER BY trace_id;

-- The ids that a purge under way has found. It removes them when it is done; a crash leaves them for a day.
CREATE TABLE IF NOT EXISTS purge_marks (
    purge String,
    kind LowCardinality(String),                      -- user, session, trace, response or letter
    id String,
    at DateTime('UTC') DEFAULT now()
)
ENGINE = MergeTree
PARTITION BY purge
ORDER BY (kind, id)
TTL at + INTERVAL 1 DAY;

-- Steps of replays; the latest row tells whether one was cut off while it swapped partitions.
CREATE TABLE IF NOT EXISTS replays (
    at DateTime64(3, 'UTC') DEFAULT now64(3),
    state LowCardinality(String),                     -- swapping or done
    since DateTime64(3, 'UTC'),                       -- bus time of the messages
    until DateTime64(3, 'UTC'),
    swaps Array(Tuple(table String, partition_id String, is_empty Bool)),
    days Array(String)                                -- whose sums are made anew
)
ENGINE = MergeTree
ORDER BY at;
