-- As reset.sql, behind a script that neither says anything of its session nor runs code that could: what was prepared and
-- planned stays, so that our own questions need not be planned again.
RESET SESSION AUTHORIZATION;
RESET ROLE;
RESET ALL;
SET TimeZone TO {timezone};
SET DateStyle TO {datestyle};
CLOSE ALL;
UNLISTEN *;
DISCARD TEMP;
DISCARD SEQUENCES;
