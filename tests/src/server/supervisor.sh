# Runs one PostgreSQL server for as long as the process that started this shell lives, then removes its folder.
#
# $1: folder of initdb and postgres   $2: the cluster's folder   $3: port
#
# Standard input is a pipe to which nobody writes. It ends when the starting process closes it or dies, however it dies.
exec 3<&0 </dev/null
bin=$1 folder=$2 port=$3

if "$bin/initdb" -D "$folder/data" -U postgres -E UTF8 --locale=C --auth=scram-sha-256 --pwfile="$folder/password" \
    --no-sync --no-instructions >>"$folder/log" 2>&1 3<&- &&
    cat "$folder/settings" >>"$folder/data/postgresql.conf"
then
    rm "$folder/password"
    "$bin/postgres" -D "$folder/data" -p "$port" >>"$folder/log" 2>&1 3<&- &
    server=$!
    # QUIT is an immediate shutdown. A shell starts background commands with QUIT ignored, and TERM is for the moment
    # before the server has set its own handlers; later on TERM asks for less than QUIT and changes nothing.
    trap 'kill -QUIT "$server"; kill -TERM "$server"' USR1
    { read -r line <&3; kill -USR1 $$; } &
    watcher=$!
    # The first wait returns early when the trap has run. The server's process id stays taken until a wait returns for it,
    # so the trap never signals a stranger.
    wait "$server"
    wait "$server"
    trap '' USR1
    : >"$folder/ended"
    wait "$watcher"
else
    : >"$folder/ended"
    read -r line <&3
fi

# A process of a server that was killed from outside may still be writing: once more then.
cd / && { rm -rf "$folder" || { sleep 1; rm -rf "$folder"; }; }
