SELECT NULL, table_name, column_name
FROM information_schema.columns
WHERE table_schema = DATABASE()
    AND LOWER(table_name) IN (
        '__diesel_schema_migrations', '__efmigrationshistory', '_prisma_migrations', '_sqlx_migrations',
        'alembic_version', 'atlas_schema_revisions', 'changelog', 'databasechangelog', 'django_migrations',
        'doctrine_migration_versions', 'flyway_schema_history', 'goose_db_version', 'gorp_migrations',
        'knex_migrations', 'kysely_migration', 'migrations', 'mikro_orm_migrations', 'phinxlog',
        'refinery_schema_history', 'schema_migration', 'schema_migrations', 'schema_version', 'seaql_migrations',
        'sequelizemeta', 'typeorm_migrations'
    )
ORDER BY table_name, ordinal_position;
