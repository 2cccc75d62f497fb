CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'it''s; fine' $$;
