-- The server's configuration files, for those who may read them.
SELECT lower(name), setting
FROM pg_catalog.pg_file_settings
WHERE lower(name) IN ('timezone', 'datestyle') AND applied
