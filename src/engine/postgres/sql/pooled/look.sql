-- As look.sql, in the one transaction that the session is from here on.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL idle_in_transaction_session_timeout TO 0;
SET LOCAL DateStyle TO 'ISO, MDY';
SET LOCAL IntervalStyle TO 'postgres';
SET LOCAL TimeZone TO 'UTC';
SET LOCAL bytea_output TO 'hex';
SET LOCAL extra_float_digits TO 1;
SET LOCAL row_security TO off;
