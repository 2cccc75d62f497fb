SET SESSION sql_mode = @switchback_sql_mode, sql_quote_show_create = @switchback_quote
    /*!80030 , show_gipk_in_create_table_and_information_schema = @switchback_keys */
    /*!80030 , show_create_table_verbosity = @switchback_formats */
    /*!80030 , show_create_table_skip_secondary_engine = @switchback_secondary */;
