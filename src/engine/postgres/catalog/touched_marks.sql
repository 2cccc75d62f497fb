-- What was read again, gone or not; and that no other catalog was written since the mark, nor a comment on a type's attribute, whose
-- catalog is that of columns' comments.
SELECT oid::text, '', '', '' FROM touched
UNION ALL
SELECT '', '', '', ''
WHERE split_part(current_setting('switchback.mark'), ' ', 2) = split_part({counts}, ' ', 2)
  AND current_setting('track_counts') = 'on'
  AND NOT EXISTS (SELECT FROM touched t JOIN pg_class c ON c.oid = t.oid WHERE c.relkind = 'c')
