drop index audit_by_what;
