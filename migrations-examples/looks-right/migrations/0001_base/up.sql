-- Nothing is wrong here: the tables that the others change.
create table customers (
  id integer primary key,
  nickname varchar(100) not null default 'nobody',
  fax varchar(40),
  email varchar(200),
  city varchar(100)
);
create table orders (
  id integer primary key,
  customer_id integer not null references customers (id),
  state varchar(20) not null,
  note varchar(200) not null
);
create index orders_by_customer on orders (customer_id);
create table products (
  id integer primary key,
  code varchar(40) not null,
  price integer not null check (price >= 0)
);
create unique index products_by_code on products (code);
create table audit (
  id integer primary key,
  what varchar(200) not null
);
create view customer_cards as select id, email, city from customers;
