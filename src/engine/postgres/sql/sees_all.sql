-- Whether this account sees what the sessions of others do.
SELECT CASE WHEN pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') THEN 't' ELSE 'f' END
