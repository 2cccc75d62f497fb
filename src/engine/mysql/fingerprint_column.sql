CONCAT(COALESCE(SUM({hash} * {hash}), 0), ':', COUNT({hash}))
