-- What only the maker may read, for the shadow's account to read: then it may also grant what it has.
CREATE SQL SECURITY DEFINER VIEW {database}.switchback_grants AS {grants};
GRANT GRANT OPTION ON {pattern}.* TO {user}@'localhost', {user}@'%';
