-- Binds: name of the index, its table as to_regclass reads it. → the index, qualified and quoted; whether somebody is
-- building it now. Partitioned indexes are invalid by rights until all their parts are attached.
SELECT format('%I.%I', n.nspname, c.relname),
       (EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.index_relid = c.oid))::text
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relname = $1::text::name AND i.indrelid = pg_catalog.to_regclass($2::text)
