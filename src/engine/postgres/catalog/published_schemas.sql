SELECT 'publication', quote_ident(b.pubname), json_build_array('schema ' || s.name, '')::text
FROM pg_publication_namespace x
JOIN pg_publication b ON b.oid = x.pnpubid
JOIN space s ON s.oid = x.pnnspid
