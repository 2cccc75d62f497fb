SELECT '1'
FROM information_schema.tables
WHERE table_schema = COALESCE(NULLIF(REPLACE('{schema}', '`', ''), ''), DATABASE()) AND table_name = 'switchback_ledger';
