begin;uselect 2; end; begin transactio-- +goose StatementEnd
n; commqt