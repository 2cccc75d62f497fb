-- Everything DISCARD ALL does, which may not stand in a message with others, and the client settings that the driver
-- would otherwise leave at its own ({timezone} and {datestyle} are what this session had when it was opened).
RESET SESSION AUTHORIZATION;
RESET ROLE;
RESET ALL;
SET TimeZone TO {timezone};
SET DateStyle TO {datestyle};
DEALLOCATE ALL;
CLOSE ALL;
UNLISTEN *;
DISCARD PLANS;
DISCARD TEMP;
DISCARD SEQUENCES;
