# $1 is the folder, the rest the server with its flags.
folder=$1
shift
echo $$ >"$folder/keeper"
(
    sh -c 'echo $$ >"$0/server"; exec "$@"' "$folder" "$@" </dev/null
    : >"$folder/ended"
) &
job=$!
read -r _
# What it holds is thrown away: no need to let it write it down.
[ -e "$folder/ended" ] || kill -KILL "$(cat "$folder/server")"
wait "$job"
rm -rf -- "$folder"
