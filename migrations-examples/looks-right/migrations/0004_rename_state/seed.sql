insert into customers (id, email) values (9001, 'Ada@Example.org');
insert into orders (id, customer_id, state, note) values (9001, 9001, 'done', 'renamed by the up');
insert into orders (id, customer_id, state, note) values (9002, 9001, 'closed', 'closed all along');
