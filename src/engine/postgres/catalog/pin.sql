-- What is read must not depend on what a script set. unpin.sql also works inside an open transaction; outside of one, the
-- message itself is the transaction. Without nested loops the plan is as good where the catalog has grown since it was last
-- analysed, as it has behind every run: 65 ms instead of 320 ms for 1000 migrations.
SELECT pg_catalog.count(pg_catalog.set_config(name, value, true))
FROM (VALUES ('search_path', ''), ('TimeZone', 'UTC'), ('DateStyle', 'ISO, MDY'), ('IntervalStyle', 'postgres'),
             ('extra_float_digits', '1'), ('bytea_output', 'hex'), ('quote_all_identifiers', 'off'), ('jit', 'off'),
             ('enable_nestloop', 'off')) AS pinned (name, value);
