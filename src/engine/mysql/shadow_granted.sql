SELECT * FROM switchback_grants;
