-- The savepoint takes back all that is set for the reading. A plan that itself sets search_path would be made anew each time.
SAVEPOINT switchback_reading;
SET LOCAL switchback.names TO {names};
SET LOCAL search_path TO '';
