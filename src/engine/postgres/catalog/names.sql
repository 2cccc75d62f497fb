SET LOCAL switchback.names TO {names};
