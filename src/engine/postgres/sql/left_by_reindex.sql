-- Binds: an index or a table as to_regclass reads it; NULL for all of the database. → what a concurrent rebuild that did not end has
-- left behind, qualified and quoted; whether somebody is building it now.
SELECT format('%I.%I', n.nspname, c.relname),
       (EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.index_relid = c.oid))::text
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relname ~ '_cc(new|old)[0-9]*$'
  AND ($1::text IS NULL OR i.indrelid = pg_catalog.to_regclass($1::text)
       OR i.indrelid = (SELECT x.indrelid FROM pg_catalog.pg_index AS x WHERE x.indexrelid = pg_catalog.to_regclass($1::text)))
