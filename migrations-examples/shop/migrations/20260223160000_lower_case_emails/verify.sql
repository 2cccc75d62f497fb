-- No address is left in mixed case.
select count(*) = 0 from customers where email <> lower(email);
