-- +goose Up
create table a (x int);
-- +goose Donw
drop table a;
