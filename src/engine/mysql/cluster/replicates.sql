SELECT @@wsrep_on;
