CREATE TABLE IF NOT EXISTS {lease} (
    id TINYINT NOT NULL PRIMARY KEY,
    token BIGINT NOT NULL,
    run VARCHAR(255),
    actor TEXT,
    host TEXT,
    pid VARCHAR(32),
    what TEXT,
    backend VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    since DATETIME(3)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT 'Who runs switchback on this database';

INSERT INTO {lease} (id, token) VALUES (1, 0) ON DUPLICATE KEY UPDATE id = id;

