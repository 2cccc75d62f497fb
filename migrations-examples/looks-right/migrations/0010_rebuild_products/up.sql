-- Wrong: the table is rebuilt to take the title on, and rebuilt without its CHECK and its unique index to drop it again.
create table products_new (
  id integer primary key,
  code varchar(40) not null,
  price integer not null check (price >= 0),
  title varchar(200) not null default ''
);
insert into products_new (id, code, price) select id, code, price from products;
drop table products;
alter table products_new rename to products;
create unique index products_by_code on products (code);
