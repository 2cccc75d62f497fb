SET SESSION
    sql_mode = @switchback_sql_mode,
    time_zone = @switchback_time_zone,
    foreign_key_checks = @switchback_keys;
