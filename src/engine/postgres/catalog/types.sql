-- Enums, domains, composite types, ranges, and types made of functions.
SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite type' WHEN 'r' THEN 'range type' ELSE 'type' END,
       t.name, json_build_array(
    '', '',
    'labels', CASE WHEN t.typtype = 'e' THEN
        coalesce((SELECT string_agg(quote_literal(e.enumlabel), E'\n' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid), 'none') END,
    'type', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
    'not null', CASE WHEN t.typnotnull THEN 'yes' END,
    'default', CASE WHEN t.typtype = 'd' THEN coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault) END,
    'collation', CASE WHEN t.typtype = 'd' AND t.typcollation <> base.typcollation THEN t.typcollation::regcollation::text END,
    'attributes', CASE WHEN t.typtype = 'c' THEN coalesce((
        SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
                          || CASE WHEN a.attcollation <> at.typcollation THEN ' collate ' || a.attcollation::regcollation ELSE '' END,
                          E'\n' ORDER BY a.attnum)
        FROM pg_attribute a JOIN pg_type at ON at.oid = a.atttypid
        WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), 'none') END,
    'definition', CASE
        WHEN t.typtype = 'r' THEN concat_ws(E'\n',
            'subtype ' || format_type(g.rngsubtype, NULL), 'opclass ' || (SELECT c.opcname FROM pg_opclass c WHERE c.oid = g.rngsubopc),
            'collation ' || nullif(g.rngcollation, 0)::regcollation, 'canonical ' || nullif(g.rngcanonical, 0)::regprocedure,
            'subtype_diff ' || nullif(g.rngsubdiff, 0)::regprocedure, 'multirange ' || g.rngmultitypid::regtype)
        WHEN b.oid IS NOT NULL THEN concat_ws(E'\n',
            'input ' || b.typinput::regprocedure, 'output ' || b.typoutput::regprocedure,
            'receive ' || nullif(b.typreceive, 0)::regprocedure, 'send ' || nullif(b.typsend, 0)::regprocedure,
            'typmod_in ' || nullif(b.typmodin, 0)::regprocedure, 'typmod_out ' || nullif(b.typmodout, 0)::regprocedure,
            'analyze ' || nullif(b.typanalyze, 0)::regprocedure, 'length ' || b.typlen || ' ' || b.typbyval || ' ' || b.typalign::text,
            'storage ' || b.typstorage::text || ' category ' || b.typcategory::text || ' ' || b.typispreferred || ' delimiter ' || b.typdelim::text,
            'element ' || nullif(b.typelem, 0)::regtype, 'default ' || b.typdefault, 'collatable ' || nullif(b.typcollation, 0)::regcollation)
        WHEN NOT t.typisdefined THEN 'shell' END,
    'owner', nullif(w.name, 'self'))::text
FROM typ t
LEFT JOIN who w ON w.oid = t.typowner
LEFT JOIN pg_type base ON base.oid = t.typbasetype
LEFT JOIN pg_range g ON g.rngtypid = t.oid
LEFT JOIN pg_type b ON b.oid = t.oid AND t.typtype = 'b'
UNION ALL
SELECT 'domain', t.name, json_build_array('constraint ' || quote_ident(k.conname), pg_get_constraintdef(k.oid))::text
FROM pg_constraint k
JOIN typ t ON t.oid = k.contypid
WHERE k.contype <> 'n'
