-- Some builds stamp each column with an option pg_attver that differs at each creation; it is no schema.
SELECT a.attrelid::text, 'column', a.name || '.' || quote_ident(a.attname), json_build_array(
    '', '',
    'type', format_type(a.atttypid, a.atttypmod),
    'not null', CASE WHEN a.attnotnull THEN 'yes' END,
    'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
    'generated', CASE WHEN a.attgenerated <> ''
                       THEN CASE a.attgenerated WHEN 's' THEN 'stored ' ELSE 'virtual ' END || pg_get_expr(d.adbin, d.adrelid) END,
    'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
    'collation', CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0 THEN a.attcollation::regcollation::text END,
    'storage', CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END,
    'compression', nullif(a.attcompression::text, ''),
    'statistics', nullif(coalesce(a.attstattarget, -1), -1)::text,
    'options', CASE WHEN cardinality(a.attoptions) > 1 OR a.attoptions[1] NOT LIKE 'pg\_attver=%' THEN
        (SELECT string_agg(entry, ', ' ORDER BY entry) FROM unnest(a.attoptions) AS entry WHERE entry NOT LIKE 'pg\_attver=%') END,
    'foreign options', CASE WHEN a.attfdwoptions IS NOT NULL THEN
        (SELECT string_agg(entry, ', ' ORDER BY entry) FROM unnest(a.attfdwoptions) AS entry) END,
    'inherited', CASE WHEN a.attinhcount > 0 THEN CASE WHEN a.attislocal THEN 'and declared' ELSE 'yes' END END,
    '~position', a.rank::text)::text
FROM (
    SELECT r.name, a.*, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS rank
    FROM rel r
    JOIN pg_attribute a ON a.attrelid = r.oid
    WHERE r.relkind <> 'S' AND a.attnum > 0 AND NOT a.attisdropped
) a
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
