create table a (x bigint);
