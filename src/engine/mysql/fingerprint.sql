SELECT
    COUNT(*),
    COALESCE(SUM(CAST(CONV(LEFT(MD5(CONCAT_WS(',', {row})), 15), 16, 10) AS UNSIGNED)), 0){columns}
FROM (SELECT {hashes} FROM {table}) AS hashed
