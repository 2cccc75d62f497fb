alter table customers drop column checked;
