alter table customers add column fax varchar(40);
