-- Whether this account may make a shadow, what the shadow must be like, and chance that the server gives.
SELECT r.rolcreatedb OR r.rolsuper, r.rolcreaterole OR r.rolsuper, r.rolsuper, pg_catalog.pg_is_in_recovery(), r.rolname,
       pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, pg_catalog.to_jsonb(d) ->> 'datlocprovider',
       coalesce(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale'),
       left(replace(pg_catalog.gen_random_uuid()::text, '-', ''), 12),
       replace(pg_catalog.gen_random_uuid()::text || pg_catalog.gen_random_uuid()::text, '-', ''),
       (now() + interval '1 day')::text, extract(epoch FROM now())::bigint
FROM pg_catalog.pg_roles r, pg_catalog.pg_database d
WHERE r.rolname = current_user AND d.datname = current_database()
