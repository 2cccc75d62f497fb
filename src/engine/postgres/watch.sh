# Runs the throw-away server ($1) in its folder ($2) until the pipe from our process closes, however that process ends.
"$1" -D "$2/data" -c listen_addresses= -c unix_socket_directories="$2" -c port=5432 -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c autovacuum=off -c max_connections=20 -c shared_buffers=32MB </dev/null >"$2/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT "$server" 2>/dev/null
wait "$server"
rm -rf "$2"
