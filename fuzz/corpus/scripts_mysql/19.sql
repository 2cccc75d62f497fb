/*M!100100 select ';' */; set @a := 1, @b = @@session.sql_mode; select @a, @'b', N'x;', _utf8mb4'y;';
select 1
