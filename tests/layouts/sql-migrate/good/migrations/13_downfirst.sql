-- +migrate Down
select 2;
-- +migrate Up
select 1;
