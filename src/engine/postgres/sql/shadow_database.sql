CREATE DATABASE {name} OWNER {name} TEMPLATE template0 ENCODING {encoding} LC_COLLATE {collate} LC_CTYPE {ctype} {provider}
