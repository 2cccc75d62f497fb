-- In one order with the DDL of all nodes: what an earlier run has sent is through. Signs of life wait for nothing that others do.
ALTER TABLE {lease} COMMENT = 'Who runs switchback on this database';
SET SESSION wsrep_sync_wait = 0;
