-- The columns of base tables (partitioned ones, too, but not their partitions), for making rows. A domain reads as the type
-- below it, with the domain's checks beside the table's.
WITH RECURSIVE tables AS MATERIALIZED (
    SELECT c.oid, n.nspname, c.relname, c.relkind
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid {only} AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND n.oid IS DISTINCT FROM pg_catalog.to_regnamespace($switchback${schema}$switchback$)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
),
-- From the type of a column to the one below it, as long as that is a domain.
base AS (
    SELECT DISTINCT a.atttypid AS typ, a.atttypid AS under, -1 AS typmod
    FROM tables t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT b.typ, d.typbasetype, CASE WHEN b.typmod >= 0 THEN b.typmod ELSE d.typtypmod END
    FROM base b
    CROSS JOIN LATERAL (SELECT * FROM pg_catalog.pg_type WHERE oid = b.under AND typtype = 'd' OFFSET 0) AS d
),
-- What a row must meet to find its way into the first partition of a partitioned table (the default one comes last).
partitions AS MATERIALIZED (
    SELECT t.oid AS parent, first.def
    FROM tables t
    CROSS JOIN LATERAL (
        SELECT pg_catalog.pg_get_partition_constraintdef(leaf.relid) AS def
        FROM pg_catalog.pg_partition_tree(t.oid) AS leaf
        JOIN pg_catalog.pg_class c ON c.oid = leaf.relid
        WHERE leaf.isleaf AND leaf.level > 0
        ORDER BY pg_catalog.pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT', c.relname
        LIMIT 1) AS first
    WHERE t.relkind = 'p'
),
unique_keys AS MATERIALIZED (
    SELECT i.indrelid, k.attnum, pg_catalog.string_agg(x.relname::text, ',' ORDER BY x.relname) AS names
    FROM tables t
    CROSS JOIN LATERAL (SELECT * FROM pg_catalog.pg_index WHERE indrelid = t.oid AND (indisunique OR indisexclusion) OFFSET 0) AS i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    CROSS JOIN LATERAL (SELECT attnum FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY AS u (attnum, rank) WHERE u.rank <= i.indnkeyatts) AS k
    GROUP BY i.indrelid, k.attnum
)
SELECT t.nspname::text, t.relname::text, a.attname::text,
       CASE
           WHEN u.typtype = 'e' THEN 'enum'
           WHEN u.typtype IN ('r', 'm') THEN 'range'
           WHEN u.typcategory = 'A' THEN 'array'
           WHEN u.typtype <> 'b' THEN 'other'
           ELSE coalesce(f.family, 'other')
       END,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       CASE
           WHEN u.typname IN ('varchar', 'bpchar') AND m.typmod > 4 THEN (m.typmod - 4)::text
           WHEN u.typname IN ('bit', 'varbit') AND m.typmod > 0 THEN m.typmod::text
           WHEN u.typname = 'numeric' AND m.typmod > 4 THEN (((m.typmod - 4) >> 16) & 65535)::text
           WHEN u.typname = 'int2' THEN '5'
           WHEN u.typname = 'int4' THEN '10'
           WHEN u.typname = 'int8' THEN '19'
           WHEN u.typname = 'name' THEN '63'
           WHEN u.typname = 'char' THEN '1'
       END,
       CASE WHEN u.typname = 'numeric' AND m.typmod > 4 THEN greatest((((m.typmod - 4) & 2047) # 1024) - 1024, 0)::text END,
       CASE WHEN a.attnotnull OR own.typnotnull THEN '0' ELSE '1' END,
       CASE WHEN a.atthasdef AND a.attgenerated = '' OR a.attidentity <> '' OR own.typdefault IS NOT NULL THEN '1' ELSE '0' END,
       CASE WHEN a.attgenerated <> '' OR a.attidentity = 'a' THEN '1' ELSE '0' END,
       k.names,
       (SELECT pg_catalog.string_agg(e.enumlabel, E'\n' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = b.under),
       (SELECT pg_catalog.string_agg(d.def, E'\n' ORDER BY d.name)
        FROM (SELECT pg_catalog.pg_get_constraintdef(c.oid) AS def, c.conname::text AS name
              FROM pg_catalog.pg_constraint c
              WHERE c.contype = 'c' AND c.conrelid = t.oid
              UNION ALL
              SELECT pg_catalog.pg_get_constraintdef(c.oid), c.conname::text
              FROM pg_catalog.pg_constraint c
              WHERE c.contype = 'c' AND own.typtype = 'd' AND c.contypid = own.oid
              UNION ALL
              SELECT p.def, '' FROM partitions p WHERE p.parent = t.oid) AS d),
       t.oid::text
FROM tables t
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type own ON own.oid = a.atttypid
JOIN base b ON b.typ = a.atttypid
JOIN pg_catalog.pg_type u ON u.oid = b.under AND u.typtype <> 'd'
CROSS JOIN LATERAL (SELECT CASE WHEN a.atttypmod >= 0 THEN a.atttypmod ELSE b.typmod END AS typmod) AS m
LEFT JOIN unique_keys k ON k.indrelid = t.oid AND k.attnum = a.attnum
LEFT JOIN (VALUES
    ('int2', 'integer'), ('int4', 'integer'), ('int8', 'integer'), ('oid', 'integer'), ('numeric', 'number'), ('money', 'number'),
    ('float4', 'float'), ('float8', 'float'), ('text', 'text'), ('varchar', 'text'), ('bpchar', 'text'), ('char', 'text'),
    ('name', 'text'), ('citext', 'text'), ('bool', 'boolean'), ('date', 'date'), ('time', 'time'), ('timetz', 'time'),
    ('timestamp', 'timestamp'), ('timestamptz', 'timestamptz'), ('interval', 'interval'), ('uuid', 'uuid'), ('json', 'json'),
    ('jsonb', 'json'), ('bytea', 'bytes'), ('inet', 'inet'), ('cidr', 'cidr'), ('macaddr', 'macaddr'), ('macaddr8', 'macaddr'),
    ('bit', 'bits'), ('varbit', 'bits'), ('xml', 'xml'), ('point', 'point'), ('tsvector', 'tsvector')) AS f (typname, family)
    ON f.typname = u.typname
ORDER BY t.nspname, t.relname, a.attnum
