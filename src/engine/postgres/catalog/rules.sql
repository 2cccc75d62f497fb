SELECT r.oid::text, 'rule', r.name || '.' || quote_ident(w.rulename), p.property, p.value
FROM pg_rewrite w
JOIN rel r ON r.oid = w.ev_class
CROSS JOIN LATERAL (VALUES
    ('', ''),
    ('definition', pg_get_ruledef(w.oid)),
    ('enabled', CASE w.ev_enabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'on replica' WHEN 'A' THEN 'always' END)) AS p (property, value)
WHERE w.oid >= 16384 AND w.rulename <> '_RETURN' AND p.value IS NOT NULL
