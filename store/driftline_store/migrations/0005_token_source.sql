-- Where token counts come from: some instrumentations count themselves when the provider's answer had no usage.
ALTER TABLE llm_spans ADD COLUMN IF NOT EXISTS tokens_estimated Bool DEFAULT false AFTER reasoning_tokens;
