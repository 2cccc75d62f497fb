-- Another user's start time reads NULL without the right to see it; then the process id has to do.
SELECT '1'
FROM pg_catalog.pg_stat_get_activity($1::int) AS a
WHERE a.backend_start IS NULL OR (extract(epoch FROM a.backend_start) * 1000000)::bigint = $2::bigint
