-- One message, one transaction: there is never a role of ours without its marker.
CREATE ROLE {name} LOGIN PASSWORD {password} NOSUPERUSER {rights} NOREPLICATION NOBYPASSRLS
    CONNECTION LIMIT 4 VALID UNTIL {until};
COMMENT ON ROLE {name} IS {marker};
