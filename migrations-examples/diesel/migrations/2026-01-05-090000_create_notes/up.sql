create table notes (
  id integer primary key,
  title varchar(100) not null
);
