create table b (x bigint);
