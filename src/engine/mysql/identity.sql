SELECT 'database', IF(@@lower_case_table_names = 0, DATABASE(), LOWER(DATABASE()));
SHOW GLOBAL VARIABLES
WHERE variable_name IN ('server_uuid', 'server_uid', 'server_id', 'hostname', 'port', 'socket', 'datadir');
SHOW GLOBAL STATUS LIKE 'wsrep_cluster_state_uuid';
