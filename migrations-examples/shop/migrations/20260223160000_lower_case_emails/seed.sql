-- Addresses that the migration really changes.
insert into customers (id, name, email) values (9001, 'Ada', 'Ada@Example.org');
insert into customers (id, name, email) values (9002, 'Grace', 'GRACE@example.org');
