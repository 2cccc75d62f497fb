-- READ WRITE in words: a script may have made the session's transactions read-only.
START TRANSACTION READ WRITE;
