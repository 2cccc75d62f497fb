SET SESSION sql_mode = @switchback_sql_mode, sql_quote_show_create = @switchback_quote;
