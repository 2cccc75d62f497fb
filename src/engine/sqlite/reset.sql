-- Outside a transaction: puts back what an earlier script may have left on this connection. A transaction that is still open
-- would make the first line a silent no-op; the BEGIN that follows refuses then.
PRAGMA foreign_keys = OFF;
PRAGMA query_only = OFF;
PRAGMA writable_schema = OFF;
PRAGMA legacy_alter_table = OFF;
PRAGMA recursive_triggers = OFF;
PRAGMA ignore_check_constraints = OFF;
