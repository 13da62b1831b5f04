-- What belongs together is one incident; each step says who took it and why, and whether people are told.
ALTER TABLE alert_transitions
    ADD COLUMN IF NOT EXISTS incident String,                       -- '' of before this migration
    ADD COLUMN IF NOT EXISTS actor LowCardinality(String),          -- driftline, or a person
    ADD COLUMN IF NOT EXISTS why String,
    ADD COLUMN IF NOT EXISTS is_news Bool DEFAULT true;

-- Several transitions can share a message, by the id of the first.
ALTER TABLE alert_deliveries
    ADD COLUMN IF NOT EXISTS reference String,        -- what the channel calls it, such as the thread in Slack
    ADD COLUMN IF NOT EXISTS message String;

-- What people want done about alerts; the worker looks for new rows in each round.
CREATE TABLE IF NOT EXISTS alert_actions (
    id String,
    action LowCardinality(String),                    -- acknowledge or silence
    incident String,                                  -- '' for any
    rule String,                                      -- likewise
    segment Map(LowCardinality(String), String),      -- all that lies in it
    until DateTime64(3, 'UTC'),                       -- of a silence
    by String,
    why String,
    at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY at
SETTINGS non_replicated_deduplication_window = 1000;
