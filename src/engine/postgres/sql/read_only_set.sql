SELECT name, setting FROM pg_catalog.pg_settings WHERE name = 'transaction_read_only' AND setting = 'on'
