-- The write lock at once: a deferred transaction that becomes a writer later fails without waiting.
BEGIN IMMEDIATE;
