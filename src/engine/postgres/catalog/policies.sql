SELECT r.oid::text, 'policy', r.name || '.' || quote_ident(y.polname), json_build_array(
    '', '',
    'command', CASE y.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END,
    'permissive', CASE WHEN NOT y.polpermissive THEN 'no' END,
    'roles', (SELECT string_agg(w.name, ', ' ORDER BY w.name) FROM who w WHERE w.oid = ANY (y.polroles)),
    'using', pg_get_expr(y.polqual, y.polrelid),
    'with check', pg_get_expr(y.polwithcheck, y.polrelid))::text
FROM pg_policy y
JOIN rel r ON r.oid = y.polrelid
