-- Wrong: the column comes back without its NOT NULL and its DEFAULT.
alter table customers drop column nickname;
