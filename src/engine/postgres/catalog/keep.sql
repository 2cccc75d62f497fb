-- What pin.sql sets, as it was; unpin.sql puts it back.
SELECT pg_catalog.set_config('switchback.kept', pg_catalog.jsonb_object_agg(name, pg_catalog.current_setting(name))::text, true)
FROM (VALUES ('search_path'), ('TimeZone'), ('DateStyle'), ('IntervalStyle'), ('extra_float_digits'), ('bytea_output'),
             ('quote_all_identifiers'), ('jit'), ('enable_nestloop')) AS pinned (name);
