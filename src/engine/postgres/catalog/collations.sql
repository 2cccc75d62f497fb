-- Collations (their columns are called differently from version to version) and text search.
SELECT 'collation', s.name || '.' || quote_ident(c.collname), json_build_array(
    '', '',
    'definition', (to_jsonb(c) - 'oid' - 'collname' - 'collnamespace' - 'collowner' - 'collversion')::text,
    'owner', nullif(w.name, 'self'))::text
FROM pg_collation c
JOIN space s ON s.oid = c.collnamespace
LEFT JOIN who w ON w.oid = c.collowner
WHERE NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_collation'::regclass AND o.objid = c.oid)
UNION ALL
SELECT 'text search configuration', c.oid::regconfig::text, json_build_array(
    '', '',
    'parser', quote_ident(r.prsname),
    'mappings', (SELECT string_agg(m.maptokentype || ' ' || m.mapdict::regdictionary, E'\n' ORDER BY m.maptokentype, m.mapseqno)
                  FROM pg_ts_config_map m WHERE m.mapcfg = c.oid),
    'owner', nullif(w.name, 'self'))::text
FROM pg_ts_config c
JOIN space s ON s.oid = c.cfgnamespace
LEFT JOIN who w ON w.oid = c.cfgowner
JOIN pg_ts_parser r ON r.oid = c.cfgparser
WHERE NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_ts_config'::regclass AND o.objid = c.oid)
UNION ALL
SELECT 'text search dictionary', d.oid::regdictionary::text, json_build_array(
    '', '',
    'template', quote_ident(t.tmplname),
    'options', d.dictinitoption,
    'owner', nullif(w.name, 'self'))::text
FROM pg_ts_dict d
JOIN space s ON s.oid = d.dictnamespace
LEFT JOIN who w ON w.oid = d.dictowner
JOIN pg_ts_template t ON t.oid = d.dicttemplate
WHERE NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_ts_dict'::regclass AND o.objid = d.oid)
UNION ALL
SELECT 'text search parser', s.name || '.' || quote_ident(r.prsname), json_build_array(
    '', concat_ws(' ', r.prsstart::regproc, r.prstoken::regproc, r.prsend::regproc, nullif(r.prsheadline, 0)::regproc, r.prslextype::regproc))::text
FROM pg_ts_parser r
JOIN space s ON s.oid = r.prsnamespace
WHERE NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_ts_parser'::regclass AND o.objid = r.oid)
UNION ALL
SELECT 'text search template', s.name || '.' || quote_ident(t.tmplname), json_build_array(
    '', concat_ws(' ', nullif(t.tmplinit, 0)::regproc, t.tmpllexize::regproc))::text
FROM pg_ts_template t
JOIN space s ON s.oid = t.tmplnamespace
WHERE NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_ts_template'::regclass AND o.objid = t.oid)
