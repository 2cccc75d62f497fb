-- no-transaction
select 1;
