# Runs one PostgreSQL server for as long as the process that started this shell lives, then removes its folder.
#
# $1: the folder, which this shell creates, so that no moment is left in which nobody would remove it
#
# Standard input is a pipe. When the folder is filled, two lines come: the folder of initdb and postgres, and the port.
# After that the pipe only ends, when the starting process closes it or dies, however it dies.
exec 3<&0 </dev/null
folder=$1
mkdir -m 700 "$folder" || exit
cd "$folder" || exit

if IFS= read -r bin <&3 && read -r port <&3 &&
    { [ ! -d locales ] || export LOCPATH="$folder/locales"; } &&
    if [ -f primary ]; then
        "$bin/pg_basebackup" -D "$folder/data" -d "$(cat primary)" -R -X stream -c fast --no-sync >>log 2>&1 3<&-
    else
        "$bin/initdb" -D "$folder/data" -U postgres -E UTF8 --locale=C --auth=scram-sha-256 --pwfile=password \
            --no-sync --no-instructions >>log 2>&1 3<&-
    fi &&
    cat settings >>data/postgresql.conf
then
    "$bin/postgres" -D "$folder/data" -p "$port" >>log 2>&1 3<&- &
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
    : >ended
    wait "$watcher"
else
    : >ended
    read -r line <&3
fi

# A process of a server that was killed from outside may still be writing: once more then.
cd / && { rm -rf "$folder" || { sleep 1; rm -rf "$folder"; }; }
