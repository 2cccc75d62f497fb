-- Wrong: the index goes away again, the rows that were deleted do not come back.
delete from audit where what = 'login';
create index audit_by_what on audit (what);
