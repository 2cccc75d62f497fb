select 'a\';', "b;", 1 as `c;`; # ;
-- ; it's
select 5--3, 'it''s'; --x
 select 1