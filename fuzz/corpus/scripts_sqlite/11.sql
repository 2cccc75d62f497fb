create table x (a);
insert into x values ('a
;b');
