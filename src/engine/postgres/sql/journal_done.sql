UPDATE {journal} SET state = 'done', digest_after = $3 WHERE step = $1::bigint AND statement = $2::bigint
