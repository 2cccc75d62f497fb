create function f(a int) returns int begin atomic select 1; select case when a > 0 then case a when 1 then 2 end else 3 end; end;
     select f(1);