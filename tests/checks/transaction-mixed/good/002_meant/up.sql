CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
CREATE INDEX CONCURRENTLY a ON users (email);
