-- Since when a channel is told of what it is told of now: what was over before is not told in it.
CREATE TABLE IF NOT EXISTS alert_channels (
    channel LowCardinality(String),
    meant String,                                     -- what its routes say of it, as a hash; '' where none does
    since DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY channel;

-- Those of before this table; once more changes nothing.
INSERT INTO alert_channels (channel, since) SELECT channel, min(at) FROM alert_deliveries GROUP BY channel;
