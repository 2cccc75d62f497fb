-- Whatever is read or written has seen what every node has committed before, and DDL goes to all nodes in one order.
SET SESSION wsrep_sync_wait = 15, wsrep_OSU_method = 'TOI';
