drop view customer_cards;
drop table audit;
drop table products;
drop table orders;
drop table customers;
