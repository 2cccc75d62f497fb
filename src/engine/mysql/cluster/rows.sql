-- 1 is the lease; 2 is the run's lock, which is told apart from it by who writes it: signs of life; 3 is what every transaction of a run
-- writes, and the session that its scripts run in.
INSERT INTO {lease} (id, token) VALUES (1, 0), (2, 0), (3, 0) ON DUPLICATE KEY UPDATE id = id;
