-- # table
--
create table a (i int);
--
drop table a;

-- # engine
create table a1 (i int);
--
alter table a1 engine=MyISAM;
--
alter table a1 engine=InnoDB;

-- # table charset
create table a2 (i int);
--
alter table a2 default charset latin1;
--
alter table a2 default charset utf8mb4;

-- # row format
create table a3 (i int);
--
alter table a3 row_format=compressed;
--
alter table a3 row_format=default;

-- # table comment
create table a4 (i int);
--
alter table a4 comment 'x';
--
alter table a4 comment '';

-- # column
create table a5 (i int);
--
alter table a5 add b int;
--
alter table a5 drop b;

-- # column type
create table a6 (i int);
--
alter table a6 modify i bigint;
--
alter table a6 modify i int;

-- # column null
create table a7 (i int);
--
alter table a7 modify i int not null;
--
alter table a7 modify i int;

-- # column default
create table a8 (i int);
--
alter table a8 alter i set default 5;
--
alter table a8 modify i int;

-- # column charset
create table a9 (s varchar(5));
--
alter table a9 modify s varchar(5) character set latin1;
--
alter table a9 modify s varchar(5) character set utf8mb4;

-- # column collation
create table b0 (s varchar(5));
--
alter table b0 modify s varchar(5) collate utf8mb4_bin;
--
alter table b0 modify s varchar(5);

-- # column comment
create table b1 (i int);
--
alter table b1 modify i int comment 'a (b';
--
alter table b1 modify i int;

-- # column order
create table b2 (i int, j int);
--
alter table b2 modify i int after j;
--
alter table b2 modify j int after i;

-- # on update
create table b3 (t timestamp null);
--
alter table b3 modify t timestamp null on update current_timestamp;
--
alter table b3 modify t timestamp null;

-- # generated column
create table b4 (i int);
--
alter table b4 add g int as (i + 1) stored;
--
alter table b4 drop g;

-- # generated expression
create table b5 (i int, g int as (i + 1) virtual);
--
alter table b5 modify g int as (i + 2) virtual;
--
alter table b5 modify g int as (i + 1) virtual;

-- # auto increment
create table b6 (i int primary key);
--
alter table b6 modify i int auto_increment;
--
alter table b6 modify i int;

-- # invisible column
create table b7 (i int, j int);
--
alter table b7 modify j int invisible;
--
alter table b7 modify j int;

-- # enum labels
create table b8 (e enum('a','b'));
--
alter table b8 modify e enum('a','b','c');
--
alter table b8 modify e enum('a','b');

-- # primary key
create table b9 (i int not null);
--
alter table b9 add primary key (i);
--
alter table b9 drop primary key;

-- # unique key
create table c0 (i int);
--
alter table c0 add unique u (i);
--
alter table c0 drop key u;

-- # index
create table c1 (s varchar(50));
--
create index k on c1 (s);
--
drop index k on c1;

-- # index prefix
create table c2 (s varchar(50), key k (s));
--
alter table c2 drop key k, add key k (s(5));
--
alter table c2 drop key k, add key k (s);

-- # index order
create table c3 (i int, key k (i));
--
alter table c3 drop key k, add key k (i desc);
--
alter table c3 drop key k, add key k (i);

-- # index visibility
create table c4 (i int, key k (i));
--
alter table c4 alter index k /*M! ignored */ /*!80000 invisible */;
--
alter table c4 alter index k /*M! not ignored */ /*!80000 visible */;

-- # index comment
create table c5 (i int);
--
create index k on c5 (i) comment 'x';
--
drop index k on c5;

-- # fulltext index
create table c6 (s text);
--
create fulltext index k on c6 (s);
--
drop index k on c6;

-- # foreign key and its index
create table c7p (i int primary key);
create table c7 (i int);
--
alter table c7 add constraint f7 foreign key (i) references c7p (i);
--
alter table c7 drop foreign key f7;
alter table c7 drop key f7;

-- # foreign key rule
create table c8p (i int primary key);
create table c8 (i int, key (i), constraint f8 foreign key (i) references c8p (i));
--
alter table c8 drop foreign key f8;
alter table c8 add constraint f8 foreign key (i) references c8p (i) on delete cascade;
--
alter table c8 drop foreign key f8;
alter table c8 add constraint f8 foreign key (i) references c8p (i);

-- # check
create table c9 (i int);
--
alter table c9 add constraint k9 check (i > 0);
--
alter table c9 drop constraint k9;

-- # partitions
create table d0 (i int not null);
--
alter table d0 partition by range (i) (partition p0 values less than (10), partition p1 values less than maxvalue);
--
alter table d0 remove partitioning;

-- # partition
create table d1 (i int not null) partition by range (i) (partition p0 values less than (10));
--
alter table d1 add partition (partition p1 values less than (20));
--
alter table d1 drop partition p1;

-- # view
create table d2 (i int, j int);
--
create view d2v as select i from d2;
--
drop view d2v;

-- # view definition
create table d3 (i int, j int);
create view d3v as select i from d3;
--
create or replace view d3v as select i, j from d3;
--
create or replace view d3v as select i from d3;

-- # view security
create table d4 (i int);
create view d4v as select i from d4;
--
alter sql security invoker view d4v as select i from d4;
--
alter sql security definer view d4v as select i from d4;

-- # view check option
create table d5 (i int);
create view d5v as select i from d5 where i > 0;
--
alter view d5v as select i from d5 where i > 0 with local check option;
--
alter view d5v as select i from d5 where i > 0;

-- # procedure
--
create procedure e0(in a int, out b varchar(5)) begin select 1; end;
--
drop procedure e0;

-- # function body
create function e1() returns int deterministic return 1;
--
drop function e1;
create function e1() returns int deterministic return 2;
--
drop function e1;
create function e1() returns int deterministic return 1;

-- # function parameter
create function e2(a int) returns int deterministic return a;
--
drop function e2;
create function e2(a bigint) returns int deterministic return a;
--
drop function e2;
create function e2(a int) returns int deterministic return a;

-- # procedure security and comment
create procedure e3() select 1;
--
alter procedure e3 sql security invoker comment 'x';
--
alter procedure e3 sql security definer comment '';

-- # routine sql_mode
create procedure e4() select 1;
--
set sql_mode = 'ANSI_QUOTES';
drop procedure e4;
create procedure e4() select 1;
--
set sql_mode = @@global.sql_mode;
drop procedure e4;
create procedure e4() select 1;

-- # trigger
create table e5 (i int);
--
create trigger e5t before insert on e5 for each row set new.i = 1;
--
drop trigger e5t;

-- # trigger timing
create table e6 (i int);
create trigger e6t before insert on e6 for each row set @a = 1;
--
drop trigger e6t;
create trigger e6t before update on e6 for each row set @a = 1;
--
drop trigger e6t;
create trigger e6t before insert on e6 for each row set @a = 1;

-- # trigger order
create table e7 (i int);
create trigger e7a before insert on e7 for each row set @a = 1;
--
create trigger e7b before insert on e7 for each row precedes e7a set @a = 2;
--
drop trigger e7b;

-- # event
--
create event e8 on schedule every 1 day do select 1;
--
drop event e8;

-- # event schedule
create event e9 on schedule every 1 day do select 1;
--
alter event e9 on schedule every 2 day;
--
drop event e9;
create event e9 on schedule every 1 day do select 1;

-- # database charset
--
alter database character set latin1;
--
alter database character set utf8mb4;

-- # table grant
create table f0 (i int);
--
grant select on f0 to root@localhost;
--
revoke select on f0 from root@localhost;

-- # column grant
create table f1 (i int);
--
grant update (i) on f1 to root@localhost;
--
revoke update (i) on f1 from root@localhost;

-- # rename
create table f2 (i int);
--
rename table f2 to f2b;
--
rename table f2b to f2;

-- # sequence
--
/*M! create sequence s0 increment by 3 */;
--
/*M! drop sequence s0 */;

-- # sequence step
/*M! create sequence s1 */;
--
/*M! alter sequence s1 increment by 5 */;
--
/*M! alter sequence s1 increment by 1 */;

-- # system versioning
create table f3 (i int);
--
alter table f3 add system versioning;
--
alter table f3 drop system versioning;

-- # period
create table f4 (a date not null, b date not null);
--
alter table f4 add period for p (a, b);
--
alter table f4 drop period for p;

-- # sequence default
create sequence s2;
create table f5 (i int);
--
alter table f5 modify i int default nextval(s2);
--
alter table f5 modify i int;
