-- Bytes of the whole file.
SELECT CAST(c.page_count * s.page_size AS TEXT) FROM pragma_page_count AS c, pragma_page_size AS s
