UPDATE {lease} SET token = token + 1 WHERE id = 2 AND run = ?;
SELECT ROW_COUNT();
