BEGIN;
UPDATE users SET email = upper(email);
END;
