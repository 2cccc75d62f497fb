-- The write makes whoever is overtaken fail certification, on whatever node. A client that falls asleep behind this loses its session
-- before anybody takes its lease over.
UPDATE {lease} SET token = token + 1 WHERE id = 3;
SET SESSION wait_timeout = 30;
SELECT token, NULL FROM {lease} WHERE id = 1 FOR UPDATE;
SELECT seq, hash FROM {ledger} ORDER BY seq DESC LIMIT 1;
