ROLLBACK TO SAVEPOINT switchback_reading;
RELEASE SAVEPOINT switchback_reading;
