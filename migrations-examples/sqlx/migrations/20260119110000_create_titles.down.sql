-- no-transaction
drop view titles;
