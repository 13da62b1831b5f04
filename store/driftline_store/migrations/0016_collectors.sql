-- Which running collector sent a span; '' for those of other senders.
ALTER TABLE llm_spans ADD COLUMN IF NOT EXISTS collector LowCardinality(String) AFTER arrived;

-- What the collectors inside of applications say about themselves. Counters grow from 0 at `started`.
CREATE TABLE IF NOT EXISTS collector_reports (
    at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),    -- by the application's clock, as are the spans' times
    arrived DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    service LowCardinality(String),
    environment LowCardinality(String),
    instance LowCardinality(String),                  -- one run of one process
    version LowCardinality(String),
    started DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)), -- 1970 where it is not said
    emitted_spans UInt64 CODEC(ZSTD(1)),              -- that should get to the store
    emitted_events UInt64 CODEC(ZSTD(1)),
    exported UInt64 CODEC(ZSTD(1)),                   -- spans and events that the bus acknowledged
    dropped UInt64 CODEC(ZSTD(1)),
    queued UInt64 CODEC(ZSTD(1)),                     -- in memory now
    spooled UInt64 CODEC(ZSTD(1)),                    -- on the disk now
    spooled_total UInt64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(arrived)
ORDER BY (service, environment, instance, at)
TTL toDateTime(arrived) + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
