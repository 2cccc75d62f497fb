# Brings the newest PostgreSQL and MySQL, unpacked beside the system's and not installed; sourced by tests/long behind tests/servers.sh.
#
# They are those of Debian's unstable suite, from the mirror that the system's own sources name, and run on the C library that
# comes with them: each program is moved aside, and a line of shell in its place starts it on that.

newer=/var/cache/switchback-newer   # is kept; all may look, since servers run as users of their own, and root alone may write

# apt on lists, archives and a state of its own: to it nothing is installed, so that it brings all that a program needs.
newer_apt() {
    local command=$1 options=(-q -y -o Dir::State="$newer" -o Dir::State::status="$newer/status" -o Dir::Cache="$newer"
        -o Dir::Etc::sourcelist="$newer/sources.list" -o APT::Sandbox::User=root -o APT::Install-Recommends=false)
    shift
    apt-get "${options[@]}" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null "$command" "$@" >&2
}

debian_mirror() { apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' | sed -n '/^Debian /{s///p;q}'; }

# Downloads the packages that are not there yet.
bring_newer() {
    local mirror keys=/usr/share/keyrings/debian-archive-keyring.gpg
    mirror=$(debian_mirror)
    [[ -n $mirror ]] || { apt-get update -q >&2 && mirror=$(debian_mirror); }
    [[ -n $mirror ]] || { say "no source of Debian's packages is known to apt"; return 1; }
    mkdir -p -m 755 "$newer" "$newer/lists/partial" "$newer/archives/partial"
    : >"$newer/status"
    echo "deb [signed-by=$keys] $mirror unstable main" >"$newer/sources.list"
    newer_apt update && newer_apt autoclean && newer_apt install --download-only postgresql mysql-server-core mysql-client-core
}

# Puts a line of shell in the place of programs: start_on ROOT PROGRAM...
start_on() {
    local root=$1 loader program
    loader=$(printf '%s\n' "$root"/usr/lib/*/ld-linux*.so.*)
    shift
    for program in "$@"; do
        [[ $(head -c 4 "$program" | tr -d '\0') == $'\x7fELF' ]] || continue
        mv "$program" "$program.elf"
        printf '#!/bin/sh\nexec "%s" --library-path "%s" --argv0 "%s" "%s" "$@"\n' \
            "$loader" "$(dirname "$loader")" "$program" "$program.elf" >"$program"
        chmod 755 "$program"
        ln -s "$program" "$root/bin/"
    done
}

# Says the folder of their programs, to be first on PATH; fails, and says why, where the machine cannot have them.
newer_folder() {
    local root package
    is_root && has apt-get && has dpkg-deb || { say "newer servers come with Debian's packages, and to root alone"; return 1; }
    id postgres >/dev/null && id mysql >/dev/null || { say "newer servers run as the users postgres and mysql"; return 1; }
    bring_newer || { say "newer servers cannot be had"; return 1; }
    root=$newer/$(printf '%s\n' "$newer"/archives/*.deb | sha256sum | cut -c 1-16)
    if [[ ! -e $root/bin/whole ]]; then
        rm -rf "$newer"/????????????????
        mkdir -p "$root/usr" "$root/bin"
        for package in "$newer"/archives/*.deb; do dpkg-deb -x "$package" "$root" || return 1; done
        find "$root" -perm /6000 -exec chmod a-s {} +
        start_on "$root" "$root"/usr/lib/postgresql/*/bin/* "$root"/usr/sbin/mysqld "$root"/usr/bin/mysql "$root"/usr/bin/mysqldump
        touch "$root/bin/whole"
    fi
    echo "$root/bin"
}
