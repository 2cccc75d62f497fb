-- Names as the parent itself spells them; `REFERENCES parent` alone means its primary key. SQLite's keys have numbers for names.
SELECT json_group_array(json_array(schema, tbl, name, col, to_schema, to_table, to_column)) AS switchback_packed
FROM (
    SELECT
        NULL AS "schema",
        tables.name AS tbl,
        printf('%03d', fk.id) AS name,
        fk."from" AS col,
        NULL AS to_schema,
        coalesce(parent.name, fk."table") AS to_table,
        coalesce(
            (
                SELECT info.name FROM pragma_table_info(fk."table") AS info
                WHERE (fk."to" IS NULL AND info.pk = fk.seq + 1) OR info.name = fk."to" COLLATE NOCASE
            ),
            fk."to"
        ) AS to_column
    FROM main.sqlite_schema AS tables
        JOIN pragma_foreign_key_list(tables.name) AS fk
        LEFT JOIN main.sqlite_schema AS parent ON parent.type = 'table' AND parent.name = fk."table" COLLATE NOCASE
    WHERE tables.name {only} AND tables.type = 'table'
        AND tables.name NOT IN ('switchback_ledger', 'switchback_script', 'switchback_journal', 'switchback_lease')
    ORDER BY tables.name, fk.id, fk.seq
);
