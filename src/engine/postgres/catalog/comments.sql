-- Comments on relations and on what belongs to one.
SELECT m.owner::text, 'comment', i.type || ' ' || i.identity, json_build_array('', c.description)::text
FROM member m
JOIN pg_description c ON c.classoid = m.classid AND c.objoid = m.objid
CROSS JOIN LATERAL pg_identify_object(c.classoid, c.objoid, c.objsubid) AS i
