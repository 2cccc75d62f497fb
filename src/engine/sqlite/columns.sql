-- Columns of base tables. SQLite keeps what it is given whatever the declared type says, so the family follows the well-known
-- names first and the affinity rules then, and a length is a hint. Checks come from the table's own text.
WITH base AS MATERIALIZED (
    SELECT tables.name AS tbl, CASE WHEN tables.sql LIKE '%CHECK%' THEN switchback_checks(tables.sql) END AS checks
    FROM main.sqlite_schema AS tables
    WHERE tables.name {only} AND tables.type = 'table'
        AND tables.name NOT LIKE 'sqlite\_%' ESCAPE '\'
        AND tables.name NOT IN ('switchback_ledger', 'switchback_script', 'switchback_journal', 'switchback_lease')
        AND tables.sql NOT LIKE 'CREATE VIRTUAL %'
        AND NOT (
            EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL %')
            AND tables.name IN (SELECT name FROM pragma_table_list WHERE "schema" = 'main' AND type = 'shadow')
        )
),
-- Once for each table: each look into a table's indexes is a statement of its own.
uniques AS MATERIALIZED (
    SELECT base.tbl, part.cid, i.name AS key
    FROM base, pragma_index_list(base.tbl) AS i, pragma_index_info(i.name) AS part
    WHERE i."unique"
),
columns AS (
    SELECT base.tbl, base.checks, info.cid, info.name, info.type AS declared, upper(info.type) AS type, info."notnull",
        info.dflt_value, info.pk, info.hidden,
        info.pk = 1 AND upper(info.type) = 'INTEGER'
            AND NOT EXISTS (SELECT 1 FROM pragma_index_list(base.tbl) AS i WHERE i.origin = 'pk') AS is_rowid
    FROM base, pragma_table_xinfo(base.tbl) AS info
    WHERE info.hidden <> 1
)
SELECT json_group_array(json_array(
    "schema", "table", "column", family, type, length, scale, nullable, "default", computed, keys, labels, checks, tbl
)) AS switchback_packed
FROM (
    SELECT
        NULL AS "schema",
        tbl AS "table",
        name AS "column",
        CASE
            WHEN type LIKE '%BOOL%' THEN 'boolean'
            WHEN type LIKE 'DATETIME%' OR type LIKE 'TIMESTAMP%' THEN 'timestamp'
            WHEN type = 'DATE' THEN 'date'
            WHEN type = 'TIME' OR type LIKE 'TIME(%' THEN 'time'
            WHEN type LIKE 'JSON%' THEN 'json'
            WHEN type IN ('UUID', 'GUID', 'UNIQUEIDENTIFIER') THEN 'uuid'
            WHEN type LIKE '%INT%' THEN 'integer'
            WHEN type LIKE '%CHAR%' OR type LIKE '%CLOB%' OR type LIKE '%TEXT%' THEN 'text'
            WHEN type LIKE '%BLOB%' THEN 'bytes'
            WHEN type LIKE '%REAL%' OR type LIKE '%FLOA%' OR type LIKE '%DOUB%' THEN 'float'
            WHEN type IN ('', 'ANY', 'STRING') THEN 'text'
            ELSE 'number'
        END AS family,
        declared AS type,
        CASE WHEN instr(type, '(') > 0 THEN CAST(substr(type, instr(type, '(') + 1) AS INTEGER) END AS length,
        CASE WHEN instr(type, ',') > 0 THEN CAST(substr(type, instr(type, ',') + 1) AS INTEGER) END AS scale,
        NOT ("notnull" OR is_rowid) AS nullable,
        dflt_value IS NOT NULL AND hidden = 0 AS "default",
        hidden IN (2, 3) AS computed,
        (
            SELECT group_concat(key, ',') FROM (
                SELECT 'primary key' AS key WHERE is_rowid
                UNION ALL
                SELECT key FROM uniques WHERE uniques.tbl = columns.tbl AND uniques.cid = columns.cid
                ORDER BY 1
            )
        ) AS keys,
        -- Some write booleans as words, and say so by the default.
        CASE
            WHEN type NOT LIKE '%BOOL%' THEN NULL
            WHEN dflt_value IN ('''t''', '''f''') THEN 't' || char(10) || 'f'
            WHEN lower(dflt_value) IN ('''true''', '''false''') THEN 'true' || char(10) || 'false'
        END AS labels,
        checks,
        tbl
    FROM columns
    ORDER BY tbl, cid
);
