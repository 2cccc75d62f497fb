create table a (x int) engine=aria;
