-- migrate:down
drop table a;
