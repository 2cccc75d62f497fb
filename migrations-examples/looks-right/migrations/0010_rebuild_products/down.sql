create table products_old (
  id integer primary key,
  code varchar(40) not null,
  price integer not null
);
insert into products_old (id, code, price) select id, code, price from products;
drop table products;
alter table products_old rename to products;
