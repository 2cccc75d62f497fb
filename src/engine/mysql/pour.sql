-- Values are taken as they were read: times in UTC, a zero as a zero, a date that is none as it is, and nothing cut off.
SET @switchback_sql_mode = @@sql_mode, @switchback_time_zone = @@time_zone, @switchback_keys = @@foreign_key_checks;
SET SESSION
    sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES',
    time_zone = '+00:00',
    foreign_key_checks = 1;
