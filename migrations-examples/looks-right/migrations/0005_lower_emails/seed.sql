insert into customers (id, email) values (9003, 'GRACE@Example.org');
