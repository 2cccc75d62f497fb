SELECT 'extension', quote_ident(e.extname), json_build_array(
    '', '',
    'version', e.extversion,
    'schema', quote_ident(n.nspname))::text
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
