-- Whoever buys something.
create table customers (
  id integer primary key auto_increment,
  name varchar(100) not null,
  email varchar(200) not null,
  created_at timestamp not null default current_timestamp
);
