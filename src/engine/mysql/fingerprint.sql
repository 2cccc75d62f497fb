SELECT
    COUNT(*),
    COALESCE(SUM(CAST(CONV(LEFT(SHA2(CONCAT_WS(',', {row}), 224), 15), 16, 10) AS UNSIGNED)), 0){columns}
FROM (SELECT {hashes} FROM {table}) AS hashed
