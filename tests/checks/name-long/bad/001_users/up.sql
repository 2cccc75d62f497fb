CREATE TABLE users (id bigint);
CREATE INDEX iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii
  ON users (id);
CREATE TABLE "ääääääääääääääääääääääääääääääää" (id bigint);
