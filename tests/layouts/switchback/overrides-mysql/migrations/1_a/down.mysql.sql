drop table a; -- mysql
