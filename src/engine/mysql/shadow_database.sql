CREATE DATABASE {database} CHARACTER SET {charset} COLLATE {collation};
CREATE TABLE {database}.switchback_marker (
    nonce CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    host VARCHAR(255) NOT NULL,
    pid BIGINT NOT NULL,
    made DATETIME NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT 'A shadow made by switchback';
INSERT INTO {database}.switchback_marker (nonce, host, pid, made) VALUES (?, ?, CAST(? AS SIGNED), UTC_TIMESTAMP());
