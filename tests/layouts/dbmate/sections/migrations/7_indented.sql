-- migrate:up
create table a (x int);
  -- migrate:down
drop table a;
