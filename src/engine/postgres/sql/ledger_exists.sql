SELECT '1' WHERE pg_catalog.to_regclass($switchback${ledger}$switchback$) IS NOT NULL
