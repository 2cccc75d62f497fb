SELECT x.stxrelid::text, 'statistics', s.name || '.' || quote_ident(x.stxname), json_build_array(
    '', '',
    'definition', pg_get_statisticsobjdef(x.oid),
    'target', nullif(coalesce(x.stxstattarget, -1), -1)::text,
    'owner', nullif(w.name, 'self'))::text
FROM rel r
JOIN pg_statistic_ext x ON x.stxrelid = r.oid
JOIN space s ON s.oid = x.stxnamespace
LEFT JOIN who w ON w.oid = x.stxowner
