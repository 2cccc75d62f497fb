SELECT statement::text, state, checksum, digest_before, digest_after, backend FROM {journal} AS journal WHERE step = $1::bigint ORDER BY journal.statement
