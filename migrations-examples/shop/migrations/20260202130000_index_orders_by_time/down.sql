drop index orders_by_time;
