delimiter //
create procedure p() begin select 1; end;
//
create table a (x int);
create table b (x int)//
