SELECT r.oid::text, 'trigger', r.name || '.' || quote_ident(g.tgname), json_build_array(
    '', '',
    'definition', pg_get_triggerdef(g.oid),
    'enabled', CASE g.tgenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'on replica' WHEN 'A' THEN 'always' END,
    'inherited', CASE WHEN g.tgparentid <> 0 THEN 'yes' END)::text
FROM pg_trigger g
JOIN rel r ON r.oid = g.tgrelid
WHERE NOT g.tgisinternal
