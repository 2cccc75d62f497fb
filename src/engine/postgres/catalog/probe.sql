-- Which rarely used kinds of objects there are at all: planning the parts for those that there are not would cost more than
-- reading the rest. Says too much rather than too little.
SELECT part
FROM (VALUES
    ('comments', EXISTS (SELECT FROM pg_catalog.pg_description WHERE objoid >= 16384)),
    ('grants', EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid >= 16384 AND relacl IS NOT NULL)
               OR EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid >= 16384 AND attacl IS NOT NULL)),
    ('functions', EXISTS (SELECT FROM pg_catalog.pg_proc WHERE oid >= 16384)),
    ('triggers', EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE NOT tgisinternal)
                 OR EXISTS (SELECT FROM pg_catalog.pg_event_trigger)),
    ('rules', EXISTS (SELECT FROM pg_catalog.pg_rewrite WHERE oid >= 16384 AND rulename <> '_RETURN')),
    ('policies', EXISTS (SELECT FROM pg_catalog.pg_policy)),
    ('types', EXISTS (SELECT FROM pg_catalog.pg_type WHERE oid >= 16384 AND (typrelid = 0 AND typelem = 0 OR typtype IN ('d', 'e', 'r', 'p')))
              OR EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid >= 16384 AND relkind = 'c')),
    ('sequences', EXISTS (SELECT FROM pg_catalog.pg_sequence)),
    ('defaults', EXISTS (SELECT FROM pg_catalog.pg_default_acl)),
    ('statistics', EXISTS (SELECT FROM pg_catalog.pg_statistic_ext)),
    ('foreign', EXISTS (SELECT FROM pg_catalog.pg_foreign_data_wrapper)),
    ('publications', EXISTS (SELECT FROM pg_catalog.pg_publication) OR EXISTS (SELECT subname FROM pg_catalog.pg_subscription)),
    ('operators', EXISTS (SELECT FROM pg_catalog.pg_operator WHERE oid >= 16384) OR EXISTS (SELECT FROM pg_catalog.pg_opfamily WHERE oid >= 16384)
                  OR EXISTS (SELECT FROM pg_catalog.pg_opclass WHERE oid >= 16384) OR EXISTS (SELECT FROM pg_catalog.pg_cast WHERE oid >= 16384)
                  OR EXISTS (SELECT FROM pg_catalog.pg_am WHERE oid >= 16384) OR EXISTS (SELECT FROM pg_catalog.pg_conversion WHERE oid >= 16384)
                  OR EXISTS (SELECT FROM pg_catalog.pg_language WHERE oid >= 16384) OR EXISTS (SELECT FROM pg_catalog.pg_transform)),
    ('collations', EXISTS (SELECT FROM pg_catalog.pg_collation WHERE oid >= 16384) OR EXISTS (SELECT FROM pg_catalog.pg_ts_config WHERE oid >= 16384)
                   OR EXISTS (SELECT FROM pg_catalog.pg_ts_dict WHERE oid >= 16384) OR EXISTS (SELECT FROM pg_catalog.pg_ts_parser WHERE oid >= 16384)
                   OR EXISTS (SELECT FROM pg_catalog.pg_ts_template WHERE oid >= 16384))) AS probe (part, there)
WHERE there
