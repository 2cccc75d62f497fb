-- Wrong: the view that comes back has lost the column `city`.
drop view customer_cards;
create view customer_cards as select id, email, city, checked from customers;
