# Finds or starts the servers that the tests run on; sourced by tests/run and tests/long, which say which.

work=          # folder of the throw-away servers
servers=()     # "pid signal" of each
url=           # what look_for and start_* found
why=           # why a server that answers is of no use

say() { printf 'tests/%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() { say "$*"; exit 1; }

clean_up() {
    local server pid signal
    for server in ${servers[@]+"${servers[@]}"}; do
        read -r pid signal <<<"$server"
        kill "-$signal" "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    [[ -z $work ]] || rm -rf "$work"
}
trap clean_up EXIT

is_root() { [[ $EUID -eq 0 ]]; }
has() { command -v "$1" >/dev/null 2>&1; }
decoded() { printf '%b' "${1//%/\\x}"; }
shown() { sed -E 's#(://[^:/@]*):[^@]*@#\1@#' <<<"$1"; }
is_open() { timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null; }

# Takes a URL apart into user, password, host, port and database.
take_apart() {
    [[ $1 =~ ^[a-z]+://(([^:/@]*)(:([^@]*))?@)?([^:/?]*)(:([0-9]+))?(/([^?]*))?(\?.*)?$ ]] || die "not a URL: $(shown "$1")"
    user=$(decoded "${BASH_REMATCH[2]}") password=$(decoded "${BASH_REMATCH[4]}")
    host=$(decoded "${BASH_REMATCH[5]}") port=${BASH_REMATCH[7]} database=$(decoded "${BASH_REMATCH[9]}")
}

# What a server says to a login at a URL: its version, and whether we may create databases and roles. Passwords go through
# the environment, where other users do not see them.
ask_postgres() {
    local user password host port database
    take_apart "$1"
    local address=(--dbname "${database:-postgres}")
    [[ -z $host ]] || address+=(--host "$host" --port "${port:-5432}")
    [[ -z $user ]] || address+=(--username "$user")
    PGCONNECT_TIMEOUT=5 PGPASSWORD=$password psql --no-psqlrc --no-password -At "${address[@]}" --command "
        SELECT current_setting('server_version') || CASE WHEN rolsuper OR rolcreatedb AND rolcreaterole THEN ' yes' ELSE ' no' END
        FROM pg_roles WHERE rolname = current_user" 2>&1
}

ask_mysql() {
    local user password host port database client=mariadb
    take_apart "$1"
    ! mysqld_is_mysql && has mariadb || client=mysql
    local address=(--connect-timeout=5)
    [[ -z $host ]] || address+=(--protocol=tcp --host="$host" --port="${port:-3306}")
    [[ -z $user ]] || address+=(--user="$user")
    MYSQL_PWD=$password "$client" "${address[@]}" --batch --skip-column-names --execute "
        SELECT CONCAT(VERSION(), IF(COUNT(*) = 2, ' yes', ' no')) FROM information_schema.user_privileges
        WHERE privilege_type IN ('CREATE', 'CREATE USER') AND is_grantable = 'YES'
        AND grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')" 2>&1
}

# Whether what comes first on PATH is MySQL's own server, not MariaDB's.
mysqld_is_mysql() { [[ $(PATH=$PATH:/usr/sbin mysqld --no-defaults --version 2>/dev/null || echo MariaDB) != *MariaDB* ]]; }

# Whether the server at a URL lets us in; if so, says so.
lets_in() {
    local name=$1 engine=$2 address=$3 said
    why=
    if said=$("ask_$engine" "$address"); then
        [[ $said == *" yes" ]] && { say "$name ${said% yes} at $(shown "$address")"; return 0; }
        why="this user may not create databases and roles"
    else
        why=$(head -n 1 <<<"$said")
    fi
    return 1
}

# Looks for a running server: look_for NAME ENGINE GIVEN DEFAULT PORT SOCKET. Sets url.
look_for() {
    local name=$1 engine=$2 given=$3 default=$4 port=$5 socket=$6
    [[ -z ${SWITCHBACK_TEST_FRESH:-} ]] || return 1
    if [[ -n $given ]]; then
        url=$given
        lets_in "$name" "$engine" "$url" && return 0
        say "$name at $(shown "$url") is of no use: $why"
        return 1
    fi
    if is_open 127.0.0.1 "$port"; then
        url=$default
        lets_in "$name" "$engine" "$url" && return 0
        say "$name at 127.0.0.1:$port answers and does not let us in: $why"
    fi
    if [[ -S $socket ]]; then
        url=$engine:///$engine   # the client's own defaults: the socket, and a user named as ours
        lets_in "$name" "$engine" "$url" && return 0
        say "$name at $socket answers and does not let us in: $why"
    fi
    return 1
}

# What PATH says, then the newest.
postgres_folder() {
    local folder
    for folder in "$(dirname "$(readlink -f "$(command -v initdb || echo /none)")")" $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -Vr); do
        [[ -x $folder/initdb && -x $folder/postgres ]] && { echo "$folder"; return; }
    done
    return 1
}

# Becomes a command, under a user that servers are willing to run as, and ends with this script however that ends.
become() {
    local user=$1 signal=$2
    shift 2
    cd "$work"
    if is_root; then
        exec setpriv --reuid="$user" --regid="$user" --init-groups --pdeathsig "$signal" "$@"
    elif has setpriv; then
        exec setpriv --pdeathsig "$signal" "$@"
    fi
    exec "$@"
}

# An empty folder for a server's data: data_folder ENGINE USER
data_folder() {
    if [[ -z $work ]]; then
        work=$(mktemp -d /tmp/switchback-tests.XXXXXX)   # not TMPDIR: a socket's path is short, and other users must get in
        chmod 755 "$work"
    fi
    mkdir -m 700 "$work/$1"
    ! is_root || chown "$2:" "$work/$1"
}

free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)); is_open 127.0.0.1 "$port"; do :; done
    echo "$port"
}

# Waits for a server of ours: wait_for NAME ENGINE PID
wait_for() {
    local tries
    for tries in {1..300}; do
        kill -0 "$3" 2>/dev/null || break
        lets_in "throw-away $1" "$2" "$url" && return 0
        sleep 0.2
    done
    tail -n 20 "$work/$2.log" >&2
    die "the throw-away $1 does not start: $why"
}

# A password for servers of ours, so that the tests have one that nothing may show.
password=canary$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')

start_postgres() {
    local bin port
    bin=$(postgres_folder)
    port=$(free_port)
    data_folder postgres postgres
    echo "$password" >"$work/postgres/password"
    ! is_root || chown postgres: "$work/postgres/password"
    (become postgres TERM "$bin/initdb" --pgdata postgres/data --username postgres --auth scram-sha-256 --pwfile postgres/password \
        --encoding UTF8 --locale C.UTF-8 --no-sync) >"$work/postgres.log" 2>&1 || { cat "$work/postgres.log" >&2; die "initdb failed"; }
    become postgres QUIT "$bin/postgres" -D postgres/data -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c fsync=off -c full_page_writes=off -c max_connections=200 >>"$work/postgres.log" 2>&1 &
    servers+=("$! QUIT")
    url=postgres://postgres:$password@127.0.0.1:$port/postgres
    wait_for PostgreSQL postgres $!
}

start_mysql() {
    local port server=mariadbd name=MariaDB making=(mariadb-install-db --no-defaults --skip-test-db --auth-root-authentication-method=normal)
    local options=(--innodb-flush-log-at-trx-commit=0 --character-set-server=utf8mb4)
    if mysqld_is_mysql; then
        server=mysqld name=MySQL making=("$(PATH=$PATH:/usr/sbin command -v mysqld)" --no-defaults --initialize-insecure)
        options+=(--loose-mysqlx=OFF --secure-file-priv= --log-bin-trust-function-creators=1)
        options+=(--innodb-flush-method=nosync --innodb-doublewrite=OFF)   # each CREATE TABLE would wait for the disk 25 times
    else
        options+=(--skip-name-resolve --collation-server=utf8mb4_general_ci)
    fi
    port=$(free_port)
    data_folder mysql mysql
    data_folder files mysql   # a server that starts takes temporary tables away that it finds: not those of others
    export TMPDIR=$work/files
    (become mysql TERM "${making[@]}" --datadir="$work/mysql") >"$work/mysql.log" 2>&1 ||
        { cat "$work/mysql.log" >&2; die "the data of a throw-away $name could not be made"; }
    (umask 077; printf "ALTER USER IF EXISTS root@'%s' IDENTIFIED BY '$password';\n" localhost 127.0.0.1 ::1 >"$work/mysql.init")
    ! is_root || chown mysql: "$work/mysql.init"
    become mysql KILL "$(PATH=$PATH:/usr/sbin command -v "$server")" --no-defaults --datadir="$work/mysql" --port="$port" \
        --bind-address=127.0.0.1 --socket="$work/mysql/socket" --pid-file="$work/mysql/pid" --skip-log-bin \
        --init-file="$work/mysql.init" "${options[@]}" >>"$work/mysql.log" 2>&1 &
    servers+=("$! KILL")
    unset TMPDIR
    url=mysql://root:$password@127.0.0.1:$port/mysql
    wait_for "$name" mysql $!
}

# Debian's packages; none is upgraded or removed for them, since that would restart or end somebody's server.
install() {
    [[ $# -gt 0 ]] || return 0
    is_root && has apt-get || die "missing: $*; install them (Debian: sudo apt-get install $*) and run this again"
    has sqlite3 || set -- "$@" sqlite3
    say "installing $*"
    apt-get update -q >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends --no-upgrade --no-remove "$@" >&2
}

[[ -d ${CARGO_HOME:-$HOME/.cargo}/bin ]] && PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
has cargo || die "cargo is missing: install Rust first"

packages=()
has cc || packages+=(gcc libc6-dev)
has psql || packages+=(postgresql)
has mariadb || has mysql || packages+=(mariadb-server)
has chromedriver || packages+=(chromium chromium-driver)
PATH=$PATH:/usr/sbin has pgbouncer || packages+=(pgbouncer)
# The cluster of tests/galera.rs is MariaDB's, whatever the server is.
compgen -G '/usr/lib*/galera*/libgalera_smm.so' >/dev/null || packages+=(galera-4)
has rsync || packages+=(rsync)
has strace || packages+=(strace)
install ${packages[@]+"${packages[@]}"}

postgres= mysql= packages=()
if look_for PostgreSQL postgres "${SWITCHBACK_TEST_POSTGRES:-}" postgres://postgres@127.0.0.1:5432/postgres 5432 \
    /run/postgresql/.s.PGSQL.5432; then
    postgres=$url
else
    postgres_folder >/dev/null || packages+=(postgresql)
fi
if look_for MariaDB/MySQL mysql "${SWITCHBACK_TEST_MYSQL:-}" mysql://root@127.0.0.1:3306/mysql 3306 /run/mysqld/mysqld.sock; then
    mysql=$url
else
    has mariadb-install-db || mysqld_is_mysql || packages+=(mariadb-server)
fi
install ${packages[@]+"${packages[@]}"}

[[ -n $postgres ]] || { start_postgres; postgres=$url; }
[[ -n $mysql ]] || { start_mysql; mysql=$url; }

export SWITCHBACK_TEST_POSTGRES=$postgres SWITCHBACK_TEST_MYSQL=$mysql SWITCHBACK_TEST_REQUIRE=all
