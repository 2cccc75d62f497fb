-- What is deferred shall fail now, not at COMMIT; then nothing that the script set may reach the ledger. All of it ends with
-- the transaction: a script that runs without one goes on with what it had set.
SET CONSTRAINTS ALL IMMEDIATE;
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SET LOCAL ROLE NONE;
SET LOCAL search_path TO pg_catalog;
SET LOCAL statement_timeout TO 0;
SET LOCAL row_security TO on;
SET LOCAL synchronous_commit TO {durable};
