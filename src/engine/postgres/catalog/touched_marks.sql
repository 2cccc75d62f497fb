-- What was read again, gone or not; and that no other catalog was written since the mark.
SELECT oid::text, '', '', '' FROM touched
UNION ALL
SELECT '', '', '', ''
WHERE split_part(current_setting('switchback.mark'), ' ', 2) = split_part({counts}, ' ', 2)
  AND current_setting('track_counts') = 'on'
