create table notes (
  id integer primary key,
  title text not null,
  body text not null default ''
);
insert into notes (title) values ('The way down first');
