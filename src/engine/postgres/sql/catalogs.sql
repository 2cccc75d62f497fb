-- The server's own catalogs: those that tell of relations and of what belongs to one, and all others.
SELECT array_agg(oid) FILTER (WHERE is_relational)::text, array_agg(oid) FILTER (WHERE NOT is_relational)::text
FROM (
    SELECT c.oid,
           c.relname IN ('pg_class', 'pg_attribute', 'pg_attrdef', 'pg_type', 'pg_constraint', 'pg_index', 'pg_depend', 'pg_shdepend',
                         'pg_description', 'pg_trigger', 'pg_rewrite', 'pg_policy', 'pg_inherits', 'pg_partitioned_table', 'pg_sequence',
                         'pg_statistic_ext', 'pg_statistic_ext_data', 'pg_foreign_table', 'pg_init_privs', 'pg_seclabel') AS is_relational
    FROM pg_catalog.pg_class c
    WHERE c.oid < 16384 AND c.relkind = 'r' AND c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
      AND c.relname NOT IN ('pg_statistic', 'pg_largeobject', 'pg_largeobject_metadata')
) AS catalog
