-- Ours when nobody has it, or when whoever has it has given no sign of life since this token. Certification lets one of many through.
UPDATE {lease}
SET token = token + 1, run = ?, backend = ?, actor = CURRENT_USER(), host = @@wsrep_node_name, since = UTC_TIMESTAMP(3)
WHERE id = 2 AND (run IS NULL OR (run = ? AND token = CAST(? AS SIGNED)));
SELECT token, run FROM {lease} WHERE id = 2;
