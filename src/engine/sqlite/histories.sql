-- Other tools' history tables, by their names; who made them is told by their columns. Sqitch's `changes` only where its `projects`
-- stands beside it.
SELECT NULL AS "schema", tables.name AS "table", columns.name AS "column"
FROM main.sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
WHERE tables.type = 'table' AND (
    lower(tables.name) IN (
        'schema_migrations', 'goose_db_version', 'gorp_migrations', '_sqlx_migrations', '__diesel_schema_migrations',
        'refinery_schema_history', 'flyway_schema_history', 'schema_version', 'databasechangelog', 'alembic_version',
        'atlas_schema_revisions', '_prisma_migrations', 'django_migrations', 'ar_internal_metadata', 'play_evolutions',
        'movine_migrations', '_migratr_migrations'
    )
    OR lower(tables.name) = 'changes' AND EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND lower(name) = 'projects')
)
ORDER BY tables.name, columns.cid;
