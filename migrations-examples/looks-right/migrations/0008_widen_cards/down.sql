drop view customer_cards;
create view customer_cards as select id, email from customers;
