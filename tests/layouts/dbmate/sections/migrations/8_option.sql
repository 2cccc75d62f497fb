-- migrate:up transaktion:false
create table a (x int);
-- migrate:down
drop table a;
