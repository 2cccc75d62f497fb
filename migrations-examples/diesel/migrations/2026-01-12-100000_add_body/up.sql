alter table notes add column body varchar(1000) default '' not null;
