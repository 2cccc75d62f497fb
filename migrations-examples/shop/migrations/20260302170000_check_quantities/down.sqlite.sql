create table order_items_aside as select * from order_items;
drop table order_items;
create table order_items (
  order_id integer not null,
  product_id integer not null,
  quantity integer not null,
  unit_price_cents integer not null,
  primary key (order_id, product_id),
  constraint order_items_order foreign key (order_id) references orders (id) on delete cascade,
  constraint order_items_product foreign key (product_id) references products (id)
);
insert into order_items select * from order_items_aside;
drop table order_items_aside;
