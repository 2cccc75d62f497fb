-- Wrong: the index comes back under its name, but no longer unique.
drop index products_by_code;
create index products_by_code on products (code, title);
