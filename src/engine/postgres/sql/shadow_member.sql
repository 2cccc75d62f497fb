-- Who is no superuser may give a database only to a role it is a member of.
GRANT {name} TO CURRENT_USER
