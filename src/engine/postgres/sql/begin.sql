-- The role's own limits do not apply to a transaction that we end ourselves (servers have one more of them from version 17 on); a
-- commit that was reported must survive a crash, but for a shadow's.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE;
SET LOCAL idle_in_transaction_session_timeout TO 0;
{no_limit}
SET LOCAL synchronous_commit TO {durable};
