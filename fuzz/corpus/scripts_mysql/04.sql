create procedure p(n int) begin declare i int default 0; declare continue handler for sqlexception begin set i = 9; end;
     a: while i < n do set i = i + 1; if i = 2 then leave a; end if; end while a; repeat set i = i + 1; until i > 3 end repeat;
     l: loop set i = i + 1; leave l; end loop; select if(i, 1, 2), repeat('x', 3); end; call p(3);