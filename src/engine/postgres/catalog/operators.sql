-- Operators, operator families and classes, casts, access methods, conversions, languages, transforms.
SELECT 'operator', o.oid::regoperator::text, json_build_array(
    '', '',
    'definition', concat_ws(E'\n', 'function ' || o.oprcode::regproc, 'result ' || format_type(o.oprresult, NULL),
        'commutator ' || nullif(o.oprcom, 0)::regoperator, 'negator ' || nullif(o.oprnegate, 0)::regoperator,
        'restrict ' || nullif(o.oprrest, 0)::regproc, 'join ' || nullif(o.oprjoin, 0)::regproc,
        CASE WHEN o.oprcanhash THEN 'hashes' END, CASE WHEN o.oprcanmerge THEN 'merges' END),
    'owner', nullif(w.name, 'self'))::text
FROM pg_operator o
JOIN space s ON s.oid = o.oprnamespace
LEFT JOIN who w ON w.oid = o.oprowner
WHERE o.oid >= 16384
  AND NOT EXISTS (SELECT FROM owned x WHERE x.classid = 'pg_operator'::regclass AND x.objid = o.oid)
UNION ALL
SELECT 'operator family', s.name || '.' || quote_ident(f.opfname) || ' using ' || am.amname, json_build_array(
    '', '',
    'operators', (SELECT string_agg(concat_ws(' ', m.amopstrategy, m.amopopr::regoperator, m.amoppurpose), E'\n'
                                     ORDER BY m.amopstrategy, m.amopopr::regoperator::text) FROM pg_amop m WHERE m.amopfamily = f.oid),
    'functions', (SELECT string_agg(concat_ws(' ', m.amprocnum, m.amproc::regprocedure), E'\n'
                                     ORDER BY m.amprocnum, m.amproc::regprocedure::text) FROM pg_amproc m WHERE m.amprocfamily = f.oid),
    'owner', nullif(w.name, 'self'))::text
FROM pg_opfamily f
LEFT JOIN who w ON w.oid = f.opfowner
JOIN space s ON s.oid = f.opfnamespace
JOIN pg_am am ON am.oid = f.opfmethod
WHERE f.oid >= 16384
  AND NOT EXISTS (SELECT FROM owned x WHERE x.classid = 'pg_opfamily'::regclass AND x.objid = f.oid)
UNION ALL
SELECT 'operator class', s.name || '.' || quote_ident(c.opcname) || ' using ' || am.amname, json_build_array(
    '', '',
    'definition', concat_ws(' ', 'for', format_type(c.opcintype, NULL), 'family', quote_ident(f.opfname), CASE WHEN c.opcdefault THEN 'default' END,
                             'storage ' || format_type(nullif(c.opckeytype, 0), NULL)),
    'owner', nullif(w.name, 'self'))::text
FROM pg_opclass c
LEFT JOIN who w ON w.oid = c.opcowner
JOIN space s ON s.oid = c.opcnamespace
JOIN pg_am am ON am.oid = c.opcmethod
JOIN pg_opfamily f ON f.oid = c.opcfamily
WHERE c.oid >= 16384
  AND NOT EXISTS (SELECT FROM owned x WHERE x.classid = 'pg_opclass'::regclass AND x.objid = c.oid)
UNION ALL
SELECT 'cast', format_type(c.castsource, NULL) || ' as ' || format_type(c.casttarget, NULL), json_build_array(
    '', '',
    'definition', concat_ws(' ', 'method', c.castmethod, 'context', c.castcontext, nullif(c.castfunc, 0)::regprocedure))::text
FROM pg_cast c
WHERE c.oid >= 16384
  AND NOT EXISTS (SELECT FROM owned x WHERE x.classid = 'pg_cast'::regclass AND x.objid = c.oid)
UNION ALL
SELECT 'access method', quote_ident(a.amname), json_build_array(
    '', '',
    'handler', a.amtype::text || ' ' || a.amhandler::regproc)::text
FROM pg_am a
WHERE a.oid >= 16384
  AND NOT EXISTS (SELECT FROM owned x WHERE x.classid = 'pg_am'::regclass AND x.objid = a.oid)
UNION ALL
SELECT 'conversion', s.name || '.' || quote_ident(c.conname), json_build_array(
    '', '',
    'definition', concat_ws(' ', pg_encoding_to_char(c.conforencoding), 'to', pg_encoding_to_char(c.contoencoding), c.conproc::regproc,
                             CASE WHEN c.condefault THEN 'default' END),
    'owner', nullif(w.name, 'self'))::text
FROM pg_conversion c
LEFT JOIN who w ON w.oid = c.conowner
JOIN space s ON s.oid = c.connamespace
WHERE c.oid >= 16384
  AND NOT EXISTS (SELECT FROM owned x WHERE x.classid = 'pg_conversion'::regclass AND x.objid = c.oid)
UNION ALL
SELECT 'language', quote_ident(l.lanname), json_build_array(
    '', '',
    'definition', concat_ws(' ', CASE WHEN l.lanpltrusted THEN 'trusted' END, nullif(l.lanplcallfoid, 0)::regproc,
                             nullif(l.laninline, 0)::regproc, nullif(l.lanvalidator, 0)::regproc),
    'owner', nullif(w.name, 'self'))::text
FROM pg_language l
LEFT JOIN who w ON w.oid = l.lanowner
WHERE l.oid >= 16384
  AND NOT EXISTS (SELECT FROM owned x WHERE x.classid = 'pg_language'::regclass AND x.objid = l.oid)
UNION ALL
SELECT 'transform', format_type(t.trftype, NULL) || ' language ' || quote_ident(l.lanname), json_build_array(
    '', concat_ws(' ', nullif(t.trffromsql, 0)::regprocedure, nullif(t.trftosql, 0)::regprocedure))::text
FROM pg_transform t
JOIN pg_language l ON l.oid = t.trflang
WHERE NOT EXISTS (SELECT FROM owned x WHERE x.classid = 'pg_transform'::regclass AND x.objid = t.oid)
