-- Since when a channel is one: what was over before is not told in it. The earliest row counts.
CREATE TABLE IF NOT EXISTS alert_channels (
    channel LowCardinality(String),
    since DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY channel;

-- Those of before this table; once more changes nothing.
INSERT INTO alert_channels (channel, since) SELECT channel, min(at) FROM alert_deliveries GROUP BY channel;
