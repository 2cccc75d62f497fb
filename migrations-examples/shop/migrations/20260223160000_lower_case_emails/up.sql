-- People write one address in many ways. What they wrote is kept aside, because lower() has no inverse.
create table customer_emails_as_written (
  customer_id integer primary key,
  email varchar(200) not null
);
insert into customer_emails_as_written (customer_id, email) select id, email from customers;
update customers set email = lower(email);
