-- Whoever has it.
UPDATE {lease}
SET token = token + 1, run = ?, backend = ?, actor = CURRENT_USER(), host = @@wsrep_node_name, since = UTC_TIMESTAMP(3)
WHERE id = 2;
