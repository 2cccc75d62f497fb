-- Either name, by the server's version; a setting for the next transaction only shows in neither.
SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_read_only', 'tx_read_only') AND Value = 'ON';
