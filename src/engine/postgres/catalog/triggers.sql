SELECT r.oid::text, 'trigger', r.name || '.' || quote_ident(g.tgname), p.property, p.value
FROM pg_trigger g
JOIN rel r ON r.oid = g.tgrelid
CROSS JOIN LATERAL (VALUES
    ('', ''),
    ('definition', pg_get_triggerdef(g.oid)),
    ('enabled', CASE g.tgenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'on replica' WHEN 'A' THEN 'always' END),
    ('inherited', CASE WHEN g.tgparentid <> 0 THEN 'yes' END)) AS p (property, value)
WHERE NOT g.tgisinternal AND p.value IS NOT NULL
