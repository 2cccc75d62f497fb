SELECT 'comment', i.type || ' ' || i.identity, json_build_array('', c.description)::text
FROM pg_description c
CROSS JOIN LATERAL pg_identify_object(c.classoid, c.objoid, c.objsubid) AS i
WHERE (c.objoid >= 16384 OR c.classoid = 'pg_namespace'::regclass AND c.objoid IN (SELECT oid FROM space))
  AND NOT EXISTS (SELECT FROM member m WHERE m.classid = c.classoid AND m.objid = c.objoid)
  AND NOT EXISTS (SELECT FROM owned o WHERE o.classid = c.classoid AND o.objid = c.objoid)
  AND i.schema IS DISTINCT FROM {ours}
  AND i.identity <> quote_ident({ours})
