-- Wrong: the column comes back as it was defined, but at the end of the table and without a single number in it.
alter table customers drop column fax;
