-- The view of a publication's tables has more columns in later versions; all of them count.
SELECT 'publication', quote_ident(b.pubname), p.property, p.value
FROM pg_publication b
LEFT JOIN who w ON w.oid = b.pubowner
CROSS JOIN LATERAL (VALUES
    ('', ''),
    ('publishes', concat_ws(', ', CASE WHEN b.pubinsert THEN 'insert' END, CASE WHEN b.pubupdate THEN 'update' END,
                            CASE WHEN b.pubdelete THEN 'delete' END, CASE WHEN b.pubtruncate THEN 'truncate' END)),
    ('all tables', CASE WHEN b.puballtables THEN 'yes' END),
    ('via root', CASE WHEN b.pubviaroot THEN 'yes' END),
    ('owner', nullif(w.name, 'self'))) AS p (property, value)
WHERE p.value IS NOT NULL
UNION ALL
SELECT 'publication', quote_ident(v.pubname), 'table ' || quote_ident(v.schemaname) || '.' || quote_ident(v.tablename),
       (to_jsonb(v) - 'pubname' - 'schemaname' - 'tablename')::text
FROM pg_publication_tables v
JOIN pg_publication b ON b.pubname = v.pubname AND NOT b.puballtables
UNION ALL
SELECT 'subscription', quote_ident(u.subname), p.property, p.value
FROM (SELECT subname, subdbid, subenabled, subslotname, subpublications FROM pg_subscription) u
CROSS JOIN LATERAL (VALUES
    ('', ''),
    ('enabled', CASE WHEN NOT u.subenabled THEN 'no' END),
    ('slot', u.subslotname::text),
    ('publications', array_to_string(u.subpublications, ', '))) AS p (property, value)
WHERE p.value IS NOT NULL AND u.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
