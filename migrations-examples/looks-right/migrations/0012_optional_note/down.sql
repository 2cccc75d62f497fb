create table orders_old (
  id integer primary key,
  customer_id integer not null references customers (id),
  state varchar(20) not null,
  note varchar(200) not null
);
insert into orders_old select id, customer_id, state, note from orders;
drop table orders;
alter table orders_old rename to orders;
create index orders_by_customer on orders (customer_id);
create trigger log_order after insert on orders
begin
  insert into order_log (order_id, note) values (new.id, new.note);
end;
