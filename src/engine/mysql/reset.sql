-- What a script may have left behind. MySQL lets only some accounts set innodb_strict_mode, even to what it is. ROLLBACK first: BEGIN would commit what is open.
ROLLBACK;
UNLOCK TABLES;
SET NAMES utf8mb4;
SET SESSION
    sql_mode = @@global.sql_mode,
    autocommit = 1,
    foreign_key_checks = @@global.foreign_key_checks,
    unique_checks = @@global.unique_checks,
    time_zone = @@global.time_zone,
    sql_safe_updates = @@global.sql_safe_updates,
    sql_select_limit = @@global.sql_select_limit,
    sql_auto_is_null = @@global.sql_auto_is_null,
    sql_quote_show_create = @@global.sql_quote_show_create,
    sql_notes = @@global.sql_notes,
    big_tables = @@global.big_tables,
    default_storage_engine = @@global.default_storage_engine,
    default_week_format = @@global.default_week_format,
    div_precision_increment = @@global.div_precision_increment,
    group_concat_max_len = @@global.group_concat_max_len,
    lc_time_names = @@global.lc_time_names
    /*M! , innodb_strict_mode = @@global.innodb_strict_mode */
    /*M! , tx_isolation = @@global.tx_isolation */
    /*M! , tx_read_only = @@global.tx_read_only */
    /*M!100201 , check_constraint_checks = @@global.check_constraint_checks */
    /*M!100303 , alter_algorithm = @@global.alter_algorithm */
    /*M!100304 , system_versioning_alter_history = @@global.system_versioning_alter_history */
    /*!80003 , transaction_isolation = @@global.transaction_isolation */
    /*!80003 , transaction_read_only = @@global.transaction_read_only */;
