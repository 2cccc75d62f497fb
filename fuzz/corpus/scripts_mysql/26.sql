delimiter $$
create procedure p() begin select 1; end$$
delimiter ;
select 1