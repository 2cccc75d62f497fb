SELECT token, run, actor, host, pid, what, backend, since FROM {lease} WHERE id = 1 AND token > 0;
