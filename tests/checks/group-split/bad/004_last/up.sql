CREATE TABLE l (id integer);
