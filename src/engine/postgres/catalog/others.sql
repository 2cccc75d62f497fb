-- What is no relation, without a key of its own.
SELECT '' AS owner, other.* FROM (
{others}
) AS other
