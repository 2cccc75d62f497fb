insert into audit (id, what) values (9001, 'login');
insert into audit (id, what) values (9002, 'order placed');
