COMMENT ON DATABASE {name} IS {marker}
