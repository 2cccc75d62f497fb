-- What can be bought. Prices are whole cents: no rounding on the way up or down.
create table products (
  id integer primary key,
  code varchar(40) not null unique,
  title varchar(200) not null,
  price_cents integer not null
);
