-- The settings of the server's own client: the driver switches IGNORE_SPACE on, and sql_mode is stored with every
-- trigger and routine that a script makes. Then what the server says of itself.
SET NAMES utf8mb4;
SET SESSION sql_mode = @@global.sql_mode;
SELECT VERSION(), CURRENT_USER(), DATABASE(), CONNECTION_ID(), @@max_allowed_packet, @@lower_case_table_names;
