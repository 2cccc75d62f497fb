drop table order_log;
