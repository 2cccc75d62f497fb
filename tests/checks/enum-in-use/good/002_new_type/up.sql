CREATE TYPE public.mood AS ENUM ('sad');
ALTER TYPE mood ADD VALUE 'glad';
INSERT INTO m VALUES ('glad');
