-- The incarnation of this node in its cluster; no row where no provider of wsrep is loaded.
SHOW GLOBAL STATUS LIKE 'wsrep_gcomm_uuid';
