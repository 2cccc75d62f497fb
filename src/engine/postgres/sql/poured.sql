-- Sequences that columns are filled from go on behind the largest value that stands there.
DO $switchback$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT s.oid::pg_catalog.regclass AS seq, c.oid::pg_catalog.regclass AS tab, a.attname AS col
        FROM (
            SELECT d.objid AS seq, d.refobjid AS tab, d.refobjsubid AS num
            FROM pg_catalog.pg_depend d
            WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
              AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0
            UNION
            SELECT d.refobjid, f.adrelid, f.adnum
            FROM pg_catalog.pg_depend d
            JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid
            WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
              AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        ) AS used
        JOIN pg_catalog.pg_class s ON s.oid = used.seq AND s.relkind = 'S'
        JOIN pg_catalog.pg_class c ON c.oid = used.tab AND c.relkind IN ('r', 'p')
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = used.num
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid AND t.typname IN ('int2', 'int4', 'int8')
    LOOP
        EXECUTE pg_catalog.format(
            'SELECT pg_catalog.setval(%L::pg_catalog.regclass, max(%I)) FROM %s HAVING max(%I) > (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM %s)',
            one.seq, one.col, one.tab, one.col, one.seq);
    END LOOP;
END
$switchback$;
