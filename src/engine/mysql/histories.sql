-- Other tools' history tables, by their names; who made them is told by their columns. Sqitch's `changes` only where its `projects`
-- stands beside it.
SELECT NULL, table_name, column_name
FROM information_schema.columns
WHERE table_schema = DATABASE()
    AND (LOWER(table_name) IN (
        '__diesel_schema_migrations', '__efmigrationshistory', '_prisma_migrations', '_sqlx_migrations',
        'alembic_version', 'atlas_schema_revisions', 'changelog', 'databasechangelog', 'django_migrations',
        'doctrine_migration_versions', 'flyway_schema_history', 'goose_db_version', 'gorp_migrations',
        'knex_migrations', 'kysely_migration', 'migrations', 'mikro_orm_migrations', 'phinxlog',
        'play_evolutions', 'refinery_schema_history', 'schema_migration', 'schema_migrations', 'schema_version', 'seaql_migrations',
        'sequelizemeta', 'typeorm_migrations'
    ) OR LOWER(table_name) = 'changes' AND EXISTS (
        SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND LOWER(table_name) = 'projects'
    ))
ORDER BY table_name, ordinal_position;
