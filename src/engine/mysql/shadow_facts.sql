SELECT @@character_set_database, @@collation_database;
