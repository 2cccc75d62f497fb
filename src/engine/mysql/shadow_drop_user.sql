DROP USER IF EXISTS {user}@'localhost', {user}@'%';
