CREATE USER {user}@'localhost' IDENTIFIED BY {password};
GRANT ALL PRIVILEGES ON *.* TO {user}@'localhost' WITH GRANT OPTION;
DROP USER IF EXISTS 'root'@'localhost', 'mysql'@'localhost';
