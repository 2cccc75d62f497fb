/* a /* nested ; */ ; */ select 1 /* ; */ ; -- ; it's
select 2