-- Each statement is its own transaction from here on, and each is read-only: DML and DDL alike fail with 1792.
SET SESSION TRANSACTION READ ONLY;
