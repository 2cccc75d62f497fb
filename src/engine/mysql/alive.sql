SELECT id FROM information_schema.processlist WHERE id = CAST(? AS UNSIGNED);
