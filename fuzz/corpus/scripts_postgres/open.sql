CREATE TABLE x (id integer);
INSERT INTO x VALUES ('never
ends