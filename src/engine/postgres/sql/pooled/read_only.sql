-- Each message of a session that only looks is a transaction of its own, which the server keeps from writing.
BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
