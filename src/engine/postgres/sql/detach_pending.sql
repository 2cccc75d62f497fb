-- Binds: a table and a partition of it as to_regclass reads them. → a row where a concurrent detach of it has begun and not ended.
SELECT 1::text
FROM pg_catalog.pg_inherits
WHERE inhdetachpending AND inhparent = pg_catalog.to_regclass($1::text) AND inhrelid = pg_catalog.to_regclass($2::text)
