PRAGMA query_only = OFF;
PRAGMA writable_schema = OFF;
PRAGMA ignore_check_constraints = OFF;
INSERT INTO temp.switchback_guard (keys)
SELECT (SELECT count(*) FROM pragma_foreign_key_check) <= (SELECT violated FROM temp.switchback_keys);
