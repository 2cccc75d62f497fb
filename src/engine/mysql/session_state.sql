-- What the session has said nothing of, as a script finds it: it is stored with all that the script makes.
SELECT 'sql_mode', @@sql_mode
UNION ALL SELECT 'charset', CONCAT(@@character_set_client, ' ', @@collation_connection)
UNION ALL SELECT 'time zone', @@time_zone;
