SELECT 'event trigger', quote_ident(e.evtname), json_build_array(
    '', '',
    'definition', concat_ws(' ', 'on', e.evtevent, 'when tag in (' || array_to_string(e.evttags, ', ') || ')', 'execute',
                             e.evtfoid::regprocedure::text),
    'enabled', CASE e.evtenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'on replica' WHEN 'A' THEN 'always' END,
    'owner', nullif(w.name, 'self'))::text
FROM pg_event_trigger e
LEFT JOIN who w ON w.oid = e.evtowner
WHERE NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_event_trigger'::regclass AND o.objid = e.oid)
