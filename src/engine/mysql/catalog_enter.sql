-- The session's sql_mode decides how SHOW CREATE quotes: pinned here, put back by catalog_leave.sql.
SET @switchback_sql_mode = @@sql_mode, @switchback_quote = @@sql_quote_show_create;
SET SESSION sql_mode = '', sql_quote_show_create = 1;
