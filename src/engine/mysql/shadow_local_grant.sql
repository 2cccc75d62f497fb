-- On a server of our own a script may also make events, and name a definer.
GRANT EVENT ON {pattern}.* TO {user}@'localhost', {user}@'%';
/*M!100502 GRANT SET USER ON *.* TO {user}@'localhost', {user}@'%' */ /*!80000 DO 0 */;
