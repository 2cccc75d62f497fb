-- Orders that are there have all been sent; new ones start as open.
alter table orders add column state varchar(20) default 'open' not null;
update orders set state = 'sent';
