-- Other tools' history tables, by their names; who made them is told by their columns.
SELECT NULL AS "schema", tables.name AS "table", columns.name AS "column"
FROM main.sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
WHERE tables.type = 'table' AND lower(tables.name) IN (
    'schema_migrations', 'goose_db_version', 'gorp_migrations', '_sqlx_migrations', '__diesel_schema_migrations',
    'refinery_schema_history', 'flyway_schema_history', 'databasechangelog', 'alembic_version', 'atlas_schema_revisions',
    '_prisma_migrations', 'ar_internal_metadata', 'play_evolutions', 'movine_migrations', '_migratr_migrations'
)
ORDER BY tables.name, columns.cid;
