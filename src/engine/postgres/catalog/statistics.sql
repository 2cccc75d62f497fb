SELECT x.stxrelid::text, 'statistics', s.name || '.' || quote_ident(x.stxname), p.property, p.value
FROM rel r
JOIN pg_statistic_ext x ON x.stxrelid = r.oid
JOIN space s ON s.oid = x.stxnamespace
LEFT JOIN who w ON w.oid = x.stxowner
CROSS JOIN LATERAL (VALUES
    ('', ''),
    ('definition', pg_get_statisticsobjdef(x.oid)),
    ('target', nullif(coalesce(x.stxstattarget, -1), -1)::text),
    ('owner', nullif(w.name, 'self'))) AS p (property, value)
WHERE p.value IS NOT NULL
