drop table if exists audit;
