SELECT pg_catalog.count(pg_catalog.set_config(key, value, true))
FROM pg_catalog.jsonb_each_text(pg_catalog.current_setting('switchback.kept')::pg_catalog.jsonb)
