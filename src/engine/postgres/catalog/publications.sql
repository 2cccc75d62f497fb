-- The view of a publication's tables has more columns in later versions; all of them count.
SELECT 'publication', quote_ident(b.pubname), json_build_array(
    '', '',
    'publishes', concat_ws(', ', CASE WHEN b.pubinsert THEN 'insert' END, CASE WHEN b.pubupdate THEN 'update' END,
                            CASE WHEN b.pubdelete THEN 'delete' END, CASE WHEN b.pubtruncate THEN 'truncate' END),
    'all tables', CASE WHEN b.puballtables THEN 'yes' END,
    'via root', CASE WHEN b.pubviaroot THEN 'yes' END,
    'owner', nullif(w.name, 'self'))::text
FROM pg_publication b
LEFT JOIN who w ON w.oid = b.pubowner
UNION ALL
SELECT 'publication', quote_ident(v.pubname), json_build_array(
    'table ' || quote_ident(v.schemaname) || '.' || quote_ident(v.tablename),
    (to_jsonb(v) - 'pubname' - 'schemaname' - 'tablename')::text)::text
FROM pg_publication_tables v
JOIN pg_publication b ON b.pubname = v.pubname AND NOT b.puballtables
UNION ALL
SELECT 'subscription', quote_ident(u.subname), json_build_array(
    '', '',
    'enabled', CASE WHEN NOT u.subenabled THEN 'no' END,
    'slot', u.subslotname::text,
    'publications', array_to_string(u.subpublications, ', '))::text
FROM (SELECT subname, subdbid, subenabled, subslotname, subpublications FROM pg_subscription) u
WHERE u.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
