-- +goose Up
-- +goose ENVSUB ON
select ${X};
-- +goose Down
select 1;
