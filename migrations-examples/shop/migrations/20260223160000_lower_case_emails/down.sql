-- Back to what was written. Customers who came later stay as they are.
update customers
set email = (select k.email from customer_emails_as_written k where k.customer_id = customers.id)
where id in (select customer_id from customer_emails_as_written);
drop table customer_emails_as_written;
