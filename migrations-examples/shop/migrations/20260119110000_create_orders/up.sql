create table orders (
  id integer primary key,
  customer_id integer not null,
  placed_at timestamp not null default current_timestamp,
  constraint orders_customer foreign key (customer_id) references customers (id)
);
