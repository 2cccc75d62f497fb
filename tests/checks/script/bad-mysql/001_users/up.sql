SOURCE other.sql
