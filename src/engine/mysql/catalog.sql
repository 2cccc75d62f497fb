-- Rows of two columns name tables, views and sequences, which are then read by SHOW CREATE. All others are lines of the
-- schema: kind, object, and pairs of property and value; a pair without value is no line.
SHOW FULL TABLES;

SELECT
    'database', 'self',
    'charset', CONCAT(s.default_character_set_name, ' ', s.default_collation_name),
    'collation is default', (SELECT NULLIF(MAX(is_default), '') FROM information_schema.collations WHERE collation_name = s.default_collation_name)
FROM information_schema.schemata AS s
WHERE s.schema_name = DATABASE();

SELECT
    LOWER(routine_type), routine_name,
    '', '',
    'returns', NULLIF(dtd_identifier, ''),
    'returns collation', NULLIF(collation_name, @@collation_database),
    'deterministic', is_deterministic,
    'data access', sql_data_access,
    'security', security_type,
    'sql_mode', sql_mode,
    'comment', NULLIF(routine_comment, ''),
    'definer', IF(definer = CURRENT_USER(), 'self', definer),
    'charset', CONCAT(character_set_client, ' ', collation_connection),
    'collation', IF(database_collation = @@collation_database, 'self', database_collation),
    'language', NULLIF(external_language, 'SQL'),
    'body', COALESCE(routine_definition, '(this account may not read it)')
FROM information_schema.routines
WHERE routine_schema = DATABASE();

SELECT
    LOWER(routine_type), specific_name,
    CONCAT('parameter ', LPAD(ordinal_position, 4, '0')),
    CONCAT_WS(' ', parameter_mode, parameter_name, dtd_identifier, NULLIF(collation_name, @@collation_database))
FROM information_schema.parameters
WHERE specific_schema = DATABASE() AND ordinal_position > 0;

-- MySQL's libraries of code, and the routines that use them; elsewhere there are none.
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM DUAL WHERE FALSE
/*!90300 UNION ALL SELECT
    'library', library_name,
    '', '',
    'language', language,
    'sql_mode', sql_mode,
    'comment', NULLIF(library_comment, ''),
    'definer', IF(creator = CURRENT_USER(), 'self', creator),
    'body', COALESCE(CONVERT(library_definition USING utf8mb4), '(this account may not read it)')
FROM information_schema.libraries
WHERE library_schema = DATABASE() */;

SELECT NULL, NULL, NULL, NULL FROM DUAL WHERE FALSE
/*!90300 UNION ALL SELECT
    LOWER(routine_type), routine_name,
    CONCAT('library ', IF(library_schema = DATABASE(), '', CONCAT(library_schema, '.')), library_name),
    COALESCE(library_version, 'used')
FROM information_schema.routine_libraries
WHERE routine_schema = DATABASE() */;

SELECT
    'trigger', CONCAT(event_object_table, '.', trigger_name),
    '', '',
    'fires', CONCAT(action_timing, ' ', event_manipulation, ' FOR EACH ', action_orientation),
    'order', action_order,
    'sql_mode', sql_mode,
    'definer', IF(definer = CURRENT_USER(), 'self', definer),
    'charset', CONCAT(character_set_client, ' ', collation_connection),
    'collation', IF(database_collation = @@collation_database, 'self', database_collation),
    'body', action_statement
FROM information_schema.triggers
WHERE trigger_schema = DATABASE()
    AND event_object_table NOT IN (
        'switchback_ledger', 'switchback_script', 'switchback_journal', 'switchback_lease', 'switchback_marker'
    );

-- An event without STARTS begins when it is made, so that time says nothing; a one-time event mostly counts from then.
SELECT
    'event', event_name,
    '', '',
    'type', event_type,
    'every', CONCAT(interval_value, ' ', interval_field),
    'starts', IF(starts IN (created, last_altered), 'when made', starts),
    'ends', ends,
    '~at', execute_at,
    'time zone', time_zone,
    'status', status,
    'completion', on_completion,
    'sql_mode', sql_mode,
    'comment', NULLIF(event_comment, ''),
    'definer', IF(definer = CURRENT_USER(), 'self', definer),
    'charset', CONCAT(character_set_client, ' ', collation_connection),
    'collation', IF(database_collation = @@collation_database, 'self', database_collation),
    'body', event_definition
FROM information_schema.events
WHERE event_schema = DATABASE();

-- Grants to others on the database as a whole: weak, as they are made with the database, not by migrations, and no shadow has them.
SELECT 'grant', CONCAT('database to ', grantee), CONCAT('~', privilege_type), CONCAT('grantable: ', is_grantable)
FROM information_schema.schema_privileges
WHERE REPLACE(REPLACE(table_schema, '\_', '_'), '\%', '%') = DATABASE()
    AND grantee <> CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')
    AND grantee NOT LIKE '''switchback|_s|_%' ESCAPE '|';
