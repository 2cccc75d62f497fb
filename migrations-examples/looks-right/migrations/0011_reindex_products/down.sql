drop index products_by_code;
create index products_by_code on products (code);
