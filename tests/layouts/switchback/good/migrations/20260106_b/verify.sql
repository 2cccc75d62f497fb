select 1 = 1;
