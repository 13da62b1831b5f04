-- Which log a letter's place is in: a recreated topic starts again at offset 0. '' in letters from before this column.
ALTER TABLE dead_letters ADD COLUMN IF NOT EXISTS bus_id LowCardinality(String) DEFAULT '' AFTER at;

-- What people did with dead letters. A letter is open until something was done about it; nothing is ever changed here.
CREATE TABLE IF NOT EXISTS dead_letter_actions (
    at DateTime64(3, 'UTC') DEFAULT now64(3),
    bus_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    action LowCardinality(String),                    -- sending, then sent or withdrawn; or discarded
    attempt String                                    -- one run of the command
)
ENGINE = MergeTree
ORDER BY (topic, partition, offset, at);
