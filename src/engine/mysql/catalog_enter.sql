-- The session's settings decide how and what SHOW CREATE tells: pinned here, put back by catalog_leave.sql. MySQL can leave out a
-- primary key that it made by itself and a secondary engine, and tell of a row format that nobody has said.
SET @switchback_sql_mode = @@sql_mode, @switchback_quote = @@sql_quote_show_create
    /*!80030 , @switchback_keys = @@show_gipk_in_create_table_and_information_schema */
    /*!80030 , @switchback_formats = @@show_create_table_verbosity */
    /*!80030 , @switchback_secondary = @@show_create_table_skip_secondary_engine */;
SET SESSION sql_mode = '', sql_quote_show_create = 1
    /*!80030 , show_gipk_in_create_table_and_information_schema = 1 */
    /*!80030 , show_create_table_verbosity = 0 */
    /*!80030 , show_create_table_skip_secondary_engine = 0 */;
