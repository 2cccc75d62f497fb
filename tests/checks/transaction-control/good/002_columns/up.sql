CREATE TABLE jobs (employment_begin date, benefit_end date);
