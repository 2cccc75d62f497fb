.bail on
PRAGMA foreign_keys = OFF;
CREATE TEMP TABLE IF NOT EXISTS switchback_guard (
    head INTEGER CONSTRAINT "the ledger is not where this file begins, so nothing of this step was run" CHECK (head),
    keys INTEGER CONSTRAINT "a foreign key is violated that was not before this step" CHECK (keys)
);
CREATE TEMP TABLE IF NOT EXISTS switchback_keys (violated INTEGER);
