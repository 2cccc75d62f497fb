-- The script goes on with what it had set.
SET SESSION
    sql_mode = @switchback_mode,
    sql_select_limit = @switchback_limit,
    unique_checks = @switchback_unique,
    character_set_client = @switchback_client,
    character_set_results = @switchback_results,
    collation_connection = @switchback_collation;
