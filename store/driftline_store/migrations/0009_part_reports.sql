-- What each running part says about itself, every ten seconds. All rows of one report have the same time.
CREATE TABLE IF NOT EXISTS part_reports (
    at DateTime64(3, 'UTC') DEFAULT now64(3),
    part LowCardinality(String),                      -- ingest, judge, ...
    instance String CODEC(ZSTD(1)),                   -- one run of one process
    host LowCardinality(String),
    pid UInt32,
    metric LowCardinality(String),                    -- counters grow from 0 at the start of the instance
    topic LowCardinality(String),                     -- '' where none applies
    partition Int32,                                  -- -1 where none applies
    value Float64,
    text String CODEC(ZSTD(1))                        -- of the metrics that are said in words
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(at)
ORDER BY (part, at)
TTL toDateTime(at) + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1;
