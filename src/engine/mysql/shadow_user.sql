-- Both hosts: an anonymous account at localhost would else win over the one at any host.
CREATE USER {user}@'localhost' IDENTIFIED BY {password}, {user}@'%' IDENTIFIED BY {password};
