SELECT CASE f.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, f.name, json_build_array(
    '', '',
    'body', CASE WHEN f.prokind <> 'a' THEN pg_get_functiondef(f.oid) END,
    -- Where white space may be more than layout.
    'source', (SELECT md5(o.prosrc) FROM pg_proc o JOIN pg_language l ON l.oid = o.prolang
               WHERE o.oid = f.oid AND l.lanname NOT IN ('internal', 'c', 'sql', 'plpgsql')),
    'definition', CASE WHEN f.prokind = 'a' THEN concat_ws(E'\n',
        'arguments ' || pg_get_function_arguments(f.oid),
        'kind ' || a.aggkind::text || ' ' || a.aggnumdirectargs,
        'sfunc ' || a.aggtransfn::regprocedure || ' stype ' || format_type(a.aggtranstype, NULL) || ' sspace ' || a.aggtransspace,
        'finalfunc ' || nullif(a.aggfinalfn, 0)::regprocedure || ' ' || a.aggfinalextra || ' ' || a.aggfinalmodify::text,
        'combinefunc ' || nullif(a.aggcombinefn, 0)::regprocedure,
        'serialfunc ' || nullif(a.aggserialfn, 0)::regprocedure,
        'deserialfunc ' || nullif(a.aggdeserialfn, 0)::regprocedure,
        'initcond ' || a.agginitval,
        'msfunc ' || nullif(a.aggmtransfn, 0)::regprocedure || ' mstype ' || format_type(a.aggmtranstype, NULL) || ' msspace ' || a.aggmtransspace,
        'minvfunc ' || nullif(a.aggminvtransfn, 0)::regprocedure,
        'mfinalfunc ' || nullif(a.aggmfinalfn, 0)::regprocedure || ' ' || a.aggmfinalextra || ' ' || a.aggmfinalmodify::text,
        'minitcond ' || a.aggminitval,
        'sortop ' || nullif(a.aggsortop, 0)::regoperator,
        'parallel ' || d.proparallel::text) END,
    'owner', nullif(w.name, 'self'))::text
FROM proc f
LEFT JOIN who w ON w.oid = f.proowner
LEFT JOIN pg_aggregate a ON a.aggfnoid = f.oid
LEFT JOIN pg_proc d ON d.oid = f.oid AND f.prokind = 'a'
