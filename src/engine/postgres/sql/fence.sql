SELECT token::text, pg_catalog.pg_current_xact_id()::text FROM {lease} WHERE id = 1 FOR UPDATE
