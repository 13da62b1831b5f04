-- Measured on chat spans with 950 bytes of made-up prompt and answer: a fifth less CPU time an insert than ZSTD(3), for
-- 2 % more bytes.
ALTER TABLE llm_spans
    MODIFY COLUMN system String CODEC(ZSTD(1)),
    MODIFY COLUMN input String CODEC(ZSTD(1)),
    MODIFY COLUMN output String CODEC(ZSTD(1)),
    MODIFY COLUMN attributes Map(LowCardinality(String), String) CODEC(ZSTD(1));
