-- BEGIN IMMEDIATE already keeps every other writer out until the transaction ends. SQLite has no transaction ids.
SELECT token, NULL FROM main.{lease} WHERE id = 1;
