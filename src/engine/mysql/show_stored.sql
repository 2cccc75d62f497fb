SHOW CREATE {kind} {name};
