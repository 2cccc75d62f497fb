alter table order_items drop constraint order_items_quantity;
