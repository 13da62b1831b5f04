-- States are compressed here instead of by what writes them. Those of before cannot be read any more: detection learns
-- anew from what the store has of the last 28 days.
TRUNCATE TABLE drift_snapshots;
ALTER TABLE drift_snapshots MODIFY COLUMN state String CODEC(ZSTD(1));
