-- migrate:up
alter table notes add column body varchar(1000) default '' not null;

-- migrate:down
alter table notes drop column body;
