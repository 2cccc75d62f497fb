-- An order of no pieces, or of minus one, is a bug of the basket.
alter table order_items add constraint order_items_quantity check (quantity >= 1);
