delimiter //
create library l language javascript as $$ export function f(n) { return n; } $$ //
delimiter ;
select 1