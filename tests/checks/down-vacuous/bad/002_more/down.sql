SELECT 'done' AS message; SELECT NULL;
