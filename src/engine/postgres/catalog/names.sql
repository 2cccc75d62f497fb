SELECT pg_catalog.set_config('switchback.names', {names}, true);
