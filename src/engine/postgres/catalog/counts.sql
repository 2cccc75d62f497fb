(
    SELECT pg_catalog.string_agg((
        SELECT pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_inserted(oid) + pg_catalog.pg_stat_get_xact_tuples_updated(oid)
                              + pg_catalog.pg_stat_get_xact_tuples_deleted(oid))
        FROM pg_catalog.unnest(kind.oids::pg_catalog.oid[]) AS oid)::text, ' ')
    FROM (VALUES ({relational}), ({others})) AS kind (oids)
)
