-- For the ledger row: text as utf8mb4, and an error rather than a cut value. Nothing here commits.
SET NAMES utf8mb4;
SET SESSION
    sql_mode = CONCAT(@@global.sql_mode, ',STRICT_ALL_TABLES'),
    sql_select_limit = DEFAULT,
    foreign_key_checks = 1,
    unique_checks = 1;
