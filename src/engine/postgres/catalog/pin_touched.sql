-- As pin.sql, for a reading of few relations, which is one of look-ups.
SELECT pg_catalog.count(pg_catalog.set_config(name, value, true))
FROM (VALUES ('TimeZone', 'UTC'), ('DateStyle', 'ISO, MDY'), ('IntervalStyle', 'postgres'),
             ('extra_float_digits', '1'), ('bytea_output', 'hex'), ('quote_all_identifiers', 'off'), ('jit', 'off'),
             ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'), ('enable_seqscan', 'off')) AS pinned (name, value);
