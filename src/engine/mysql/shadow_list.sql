SELECT schema_name
FROM information_schema.schemata
WHERE schema_name LIKE 'switchback|_shadow|_%' ESCAPE '|'
ORDER BY schema_name;
