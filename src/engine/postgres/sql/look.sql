-- Texts of values are as PostgreSQL's own defaults make them, so that they read the same elsewhere; no row is left out
-- behind anybody's back.
SET DateStyle TO 'ISO, MDY';
SET IntervalStyle TO 'postgres';
SET TimeZone TO 'UTC';
SET bytea_output TO 'hex';
SET extra_float_digits TO 1;
SET row_security TO off;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
