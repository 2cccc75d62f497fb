-- migrate:up transaction:false
select 1;
select 2;
--migrate:down transaction:true
select 3;
