CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE DOMAIN qty AS integer CHECK (VALUE > 0);
CREATE DOMAIN mail AS varchar(40) NOT NULL CHECK (VALUE ~~ '%@%');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE kinds (
    id bigserial PRIMARY KEY, si smallint NOT NULL, i integer NOT NULL, bi bigint NOT NULL, n numeric(10, 2) NOT NULL, nn numeric NOT NULL,
    nf numeric(3, 3) NOT NULL, m money NOT NULL, r real NOT NULL, d double precision NOT NULL, t text NOT NULL, v varchar(20) NOT NULL,
    c char(3) NOT NULL, ch "char" NOT NULL, nm name NOT NULL, o boolean NOT NULL, day date NOT NULL, tm time NOT NULL, tz timetz NOT NULL,
    at timestamp NOT NULL, atz timestamptz NOT NULL, iv interval NOT NULL, u uuid NOT NULL, j json NOT NULL, jb jsonb NOT NULL,
    b bytea NOT NULL, e mood NOT NULL, ai int[] NOT NULL, ta text[] NOT NULL, ae mood[] NOT NULL, net inet NOT NULL, ci cidr NOT NULL,
    mac macaddr NOT NULL, mac8 macaddr8 NOT NULL, bt bit(3) NOT NULL, vbt bit varying(5) NOT NULL, x xml NOT NULL, ir int4range NOT NULL,
    tr tstzrange NOT NULL, mr datemultirange NOT NULL, p point NOT NULL, po polygon NOT NULL, tv tsvector NOT NULL, tq tsquery NOT NULL,
    ls pg_lsn NOT NULL, od oid NOT NULL, qt qty NOT NULL, ml mail, pr pair
);
CREATE TABLE checked (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    qty integer NOT NULL CHECK (qty > 0),
    kind text NOT NULL CHECK (kind IN ('old', 'new')),
    code varchar(40) NOT NULL UNIQUE CHECK (length(code) <= 5),
    mark smallint NOT NULL CHECK (mark BETWEEN 1 AND 9),
    price numeric(6, 2) NOT NULL DEFAULT 1.5,
    starts date NOT NULL, ends date NOT NULL CHECK (starts < ends),
    slug text NOT NULL CHECK (slug ~ '^[a-z0-9_]+$'),
    total integer GENERATED ALWAYS AS (mark * 2) STORED
);
CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL, boss int REFERENCES users, team int);
CREATE UNIQUE INDEX ON users (lower(email));
CREATE TABLE teams (id int PRIMARY KEY, name text NOT NULL, lead int NOT NULL REFERENCES users);
ALTER TABLE users ADD FOREIGN KEY (team) REFERENCES teams;
CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users, note text);
CREATE TABLE members (user_id int NOT NULL REFERENCES users, team_id int NOT NULL REFERENCES teams, role text DEFAULT 'x', PRIMARY KEY (user_id, team_id));
CREATE TABLE grants (user_id int NOT NULL, team_id int NOT NULL, what text, FOREIGN KEY (user_id, team_id) REFERENCES members);
CREATE TABLE trees (id int PRIMARY KEY, root int NOT NULL REFERENCES trees);
CREATE TABLE defaults (id serial PRIMARY KEY, a text NOT NULL DEFAULT 'a', b int DEFAULT 5);
CREATE TABLE events (id int NOT NULL, at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE events_may PARTITION OF events FOR VALUES FROM ('2023-05-01 00:00:00+00') TO ('2023-06-01 00:00:00+00');
CREATE TABLE events_june PARTITION OF events FOR VALUES FROM ('2023-06-01 00:00:00+00') TO ('2023-07-01 00:00:00+00');
CREATE TABLE regions (id int NOT NULL, region text NOT NULL) PARTITION BY LIST (region);
CREATE TABLE regions_eu PARTITION OF regions FOR VALUES IN ('de', 'fr');
CREATE TABLE regions_rest PARTITION OF regions DEFAULT;
CREATE TABLE hashed (id int NOT NULL, t text) PARTITION BY HASH (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE bookings (room int NOT NULL, during daterange NOT NULL, EXCLUDE USING gist (during WITH &&));
CREATE SCHEMA other;
CREATE TABLE other.users (id int PRIMARY KEY, of int NOT NULL REFERENCES public.users);
CREATE VIEW user_names AS SELECT email FROM users;
CREATE MATERIALIZED VIEW user_mails AS SELECT email FROM users;
CREATE TABLE "odd ""name" ("from" text NOT NULL, "it's" int);
