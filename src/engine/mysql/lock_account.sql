-- Whether the server keeps account of metadata locks.
SELECT ENABLED FROM performance_schema.setup_instruments
WHERE NAME = 'wait/lock/metadata/sql/mdl' AND @@performance_schema = 1
