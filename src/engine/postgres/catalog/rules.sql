SELECT r.oid::text, 'rule', r.name || '.' || quote_ident(w.rulename), json_build_array(
    '', '',
    'definition', pg_get_ruledef(w.oid),
    'enabled', CASE w.ev_enabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'on replica' WHEN 'A' THEN 'always' END)::text
FROM pg_rewrite w
JOIN rel r ON r.oid = w.ev_class
WHERE w.oid >= 16384 AND w.rulename <> '_RETURN'
