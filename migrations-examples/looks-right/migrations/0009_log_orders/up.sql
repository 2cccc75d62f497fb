-- Wrong: the trigger stands on `orders`, so it outlives the table that it writes to, and no order can be placed any more.
create table order_log (
  order_id integer not null,
  note varchar(200)
);
create trigger log_order after insert on orders
begin
  insert into order_log (order_id, note) values (new.id, new.note);
end;
