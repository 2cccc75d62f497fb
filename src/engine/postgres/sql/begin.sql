-- The role's own limits do not apply to a transaction that we end ourselves; a commit that was reported must survive a
-- crash (a shadow need not: {durable}). {no_limit} is for the limit that servers have from version 17 on.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE;
SET LOCAL idle_in_transaction_session_timeout TO 0;
SET LOCAL {no_limit} TO 0;
SET LOCAL synchronous_commit TO {durable};
