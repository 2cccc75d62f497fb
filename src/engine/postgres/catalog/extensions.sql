SELECT 'extension', quote_ident(e.extname), p.property, p.value
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
CROSS JOIN LATERAL (VALUES ('', ''), ('version', e.extversion), ('schema', quote_ident(n.nspname))) AS p (property, value)
