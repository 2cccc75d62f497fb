INSERT INTO kinds VALUES (1, 'old'), (2, 'it''s');
UPDATE t SET a = 'new' WHERE a = 'old' AND n IN (1, 2);
DELETE FROM t WHERE kind = 'old';
