-- For rows of ours: text as utf8mb4, an error rather than a cut value, and unique keys that are looked at. What the script
-- had set is kept, for unsettle.sql. Nothing here commits.
SET @switchback_mode = @@sql_mode, @switchback_limit = @@sql_select_limit, @switchback_unique = @@unique_checks,
    @switchback_client = @@character_set_client, @switchback_results = @@character_set_results,
    @switchback_collation = @@collation_connection;
SET NAMES utf8mb4;
SET SESSION
    sql_mode = CONCAT(@@global.sql_mode, ',STRICT_ALL_TABLES'),
    sql_select_limit = DEFAULT,
    unique_checks = 1;
