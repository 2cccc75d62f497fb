-- "What was bought this week" read the whole table.
create index orders_by_time on orders (placed_at);
