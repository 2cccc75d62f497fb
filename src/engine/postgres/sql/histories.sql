-- Tables in which other tools keep their history, in any schema; Sqitch's `changes` only where its `projects` stands beside it.
SELECT n.nspname::text, c.relname::text, a.attname::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p')
  AND n.nspname !~ '^pg_'
  AND (c.relname IN ('schema_migrations', 'goose_db_version', '_sqlx_migrations', '__diesel_schema_migrations', 'gorp_migrations',
                     'flyway_schema_history', 'schema_version', 'databasechangelog', 'DATABASECHANGELOG', 'refinery_schema_history',
                     'alembic_version', '_prisma_migrations', 'atlas_schema_revisions', 'ar_internal_metadata', 'django_migrations',
                     'play_evolutions', 'knex_migrations', 'pgmigrations', 'SequelizeMeta', '__EFMigrationsHistory')
       OR c.relname = 'changes' AND EXISTS (
           SELECT FROM pg_catalog.pg_class p WHERE p.relnamespace = c.relnamespace AND p.relname = 'projects'))
ORDER BY n.nspname, c.relname, a.attnum
