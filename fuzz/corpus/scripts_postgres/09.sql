select 'a' -- ;
 ';b'; select E'a\'' -- c
 '\';'; select 1;