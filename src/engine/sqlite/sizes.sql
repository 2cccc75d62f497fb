-- The tables of the file with the bytes of theirs and their indexes' pages. Reads the page of every tree.
SELECT m.tbl_name, CAST(sum(s.pgsize) AS TEXT)
FROM dbstat('main', 1) AS s
JOIN main.sqlite_schema AS m ON m.name = s.name
GROUP BY m.tbl_name
ORDER BY m.tbl_name
