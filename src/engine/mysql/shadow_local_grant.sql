-- On a server of our own a script may also make events, name a definer, and set what only some accounts may.
GRANT EVENT ON {pattern}.* TO {user}@'localhost', {user}@'%';
GRANT USAGE /*M!100502 , SET USER */ /*!80014 , SESSION_VARIABLES_ADMIN */ /*!80200 , SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER */
ON *.* TO {user}@'localhost', {user}@'%';
