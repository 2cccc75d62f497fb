-- Wrong: the table was there already, so the up does nothing, and the down drops what the up never made.
create table if not exists audit (
  id integer primary key,
  what varchar(200) not null
);
