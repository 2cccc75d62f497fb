-- In the place of the session that was seen there, and of no other.
UPDATE {lease}
SET token = token + 1, run = ?, backend = ?, actor = CURRENT_USER(), host = @@wsrep_node_name
WHERE id = 3 AND backend <=> ?;
SELECT ROW_COUNT();
