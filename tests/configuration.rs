//! Which database is meant, by URL, file, variables and the clients' own files; and that a password never shows (I10).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use switchback::config::{Config, Env, Policy, Shadow};
use switchback::fault::{Fault, FaultKind};
use switchback::target::Target;

/// Every character that URLs, shells and files take for something else.
const CANARY: &str = "c^n%a@r/y#s?e$c r:e'\\t";
const ENCODED: &str = "c%5En%25a%40r%2Fy%23s%3Fe%24c%20r%3Ae%27%5Ct";

/// A frozen environment.
struct Vars(BTreeMap<String, String>);

impl Env for Vars {
    fn var(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

fn vars(pairs: &[(&str, &str)]) -> Vars {
    Vars(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

/// A project's folder with files in it.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        private(&path, 0o600);
    }
    folder
}

#[cfg(unix)]
fn private(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &Path, _: u32) {}

/// All that a fault would ever show.
fn told(fault: &Fault) -> String {
    format!("{fault} {fault:?}")
}

fn password(target: &Target) -> Option<&str> {
    target.password.as_ref().map(|secret| secret.reveal())
}

/// No piece of the canary may be in a text.
fn assert_no_canary(text: &str) {
    for piece in ["c^n", "%a@r", "y#s", "e$c", "r:e", "c%5En", "r%2Fy", "s?e", "c r"] {
        assert!(!text.contains(piece), "{piece} shows in {text}");
    }
}

#[test]
fn urls_are_taken_apart() {
    #[rustfmt::skip]
    let cases = [
        ("postgres://u@h:5433/d", "postgres", Some("h"), Some(5433), Some("u"), "d", "postgres://u@h:5433/d"),
        ("postgresql://h/d", "postgres", Some("h"), None, None, "d", "postgres://h/d"),
        ("postgres://[::1]:5432/d", "postgres", Some("::1"), Some(5432), None, "d", "postgres://[::1]:5432/d"),
        ("postgres:///d?host=/run/postgresql", "postgres", None, None, None, "d", "postgres://[/run/postgresql]/d"),
        ("postgres://%2Frun%2Fpostgresql/d", "postgres", None, None, None, "d", "postgres://[/run/postgresql]/d"),
        ("postgres://h", "postgres", Some("h"), None, None, "", "postgres://h/"),
        ("postgres://h/?dbname=d&user=u&port=1", "postgres", Some("h"), Some(1), Some("u"), "d", "postgres://u@h:1/d"),
        ("mysql://u:p@h/a%2Fb", "mysql", Some("h"), None, Some("u"), "a/b", "mysql://u@h/a/b"),
        ("mysql://u@localhost/d?socket=/tmp/s", "mysql", Some("localhost"), None, Some("u"), "d", "mysql://u@localhost/d"),
        ("mariadb://h/d", "mariadb", Some("h"), None, None, "d", "mariadb://h/d"),
        ("sqlite:a%20b.db", "sqlite", None, None, None, "a b.db", "sqlite:a b.db"),
        ("sqlite://dir/a.db", "sqlite", None, None, None, "dir/a.db", "sqlite:dir/a.db"),
        ("sqlite:///abs/a.db", "sqlite", None, None, None, "/abs/a.db", "sqlite:/abs/a.db"),
        ("sqlite::memory:", "sqlite", None, None, None, ":memory:", "sqlite::memory:"),
        ("sqlite://:memory:", "sqlite", None, None, None, ":memory:", "sqlite::memory:"),
        ("sqlite:a.db?mode=rwc&busy_timeout=10", "sqlite", None, None, None, "a.db", "sqlite:a.db"),
        ("file:a.db", "sqlite", None, None, None, "a.db", "sqlite:a.db"),
        ("dir/100%.sqlite3", "sqlite", None, None, None, "dir/100%.sqlite3", "sqlite:dir/100%.sqlite3"),
    ];
    for (url, scheme, host, port, user, database, shown) in cases {
        let target = Target::parse(url).unwrap_or_else(|fault| panic!("{url}: {}", told(&fault)));
        assert_eq!(target.scheme, scheme, "{url}");
        assert_eq!(target.host.as_deref(), host, "{url}");
        assert_eq!(target.port, port, "{url}");
        assert_eq!(target.user.as_deref(), user, "{url}");
        assert_eq!(target.database, database, "{url}");
        assert_eq!(target.shown(), shown, "{url}");
        assert!(Target::is_url(url), "{url}");
    }
}

#[test]
fn tls_modes_are_said_in_one_way() {
    for (url, mode) in [
        ("postgres://h/d?sslmode=verify-full", "verify-full"),
        ("mysql://h/d?ssl-mode=VERIFY_IDENTITY", "verify-full"),
        ("mysql://h/d?ssl-mode=REQUIRED", "require"),
        ("mariadb://h/d?sslmode=disable", "disable"),
    ] {
        assert_eq!(Target::parse(url).unwrap().params["sslmode"], mode, "{url}");
    }
    let target = Target::parse("mysql://h/d?ssl-ca=/ca&ssl-cert=/c&ssl-key=/k").unwrap();
    let said: Vec<&str> = ["ssl-ca", "ssl-cert", "ssl-key"].map(|name| target.params[name].as_str()).to_vec();
    assert_eq!(said, ["/ca", "/c", "/k"]);
}

#[test]
fn urls_that_are_none_are_refused_with_help() {
    #[rustfmt::skip]
    let cases = [
        ("postgres://h/d?sslmod=require", "unknown parameter sslmod", "did you mean sslmode"),
        ("mysql://h/d?sockett=/x", "unknown parameter sockett", "did you mean socket"),
        ("sqlite:a.db?moode=ro", "unknown parameter moode", "did you mean mode"),
        ("postgres://h/d?sslmode=maybe", "parameter sslmode", "verify-full"),
        ("postgres://h:port/d", "port that is no number", "percent-encoded"),
        ("postgres://a,b/d", "several hosts", ""),
        ("postgres://[::1/d", "closing ]", ""),
        ("postgres:h/d", "no //", ""),
        ("oracle://h/d", "oracle://", "postgres://"),
        ("production", "no database URL", "postgres://"),
        ("", "no database URL", ""),
        ("sqlite:", "names no file", ""),
        ("postgres://h/a/b", "more than a database", ""),
        ("postgres://h/%zz", "encodes nothing", ""),
        ("postgres://h/%00", "encodes nothing", ""),
    ];
    for (url, what, help) in cases {
        let fault = Target::parse(url).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Usage, "{url}");
        assert!(fault.parts().what.contains(what), "{url}: {}", told(&fault));
        assert!(fault.parts().help.clone().unwrap_or_default().contains(help), "{url}: {}", told(&fault));
    }
}

#[test]
fn i10_a_password_with_odd_characters_works_encoded_and_never_shows() {
    for scheme in ["postgres", "mysql", "mariadb"] {
        let target = Target::parse(&format!("{scheme}://u:{ENCODED}@h/d")).unwrap();
        assert_eq!(password(&target), Some(CANARY));
        assert_no_canary(&format!("{target:?} {}", target.shown()));
        // As it is: refused, and no piece of it told.
        let raw = Target::parse(&format!("{scheme}://u:{CANARY}@h/d")).unwrap_err();
        assert_no_canary(&told(&raw));
        assert!(raw.parts().help.as_ref().unwrap().contains("%40"), "{}", told(&raw));
    }
    // Each odd character by itself: it works or is refused, but never ends up in host, database or a message.
    for odd in CANARY.chars().filter(|letter| !letter.is_alphanumeric()) {
        match Target::parse(&format!("postgres://u:sec{odd}ret@h/d")) {
            Ok(target) => {
                assert_eq!(password(&target), Some(format!("sec{odd}ret").as_str()));
                assert_eq!((target.host.as_deref(), target.database.as_str()), (Some("h"), "d"));
            }
            Err(fault) => assert!(!told(&fault).contains("sec") && !told(&fault).contains("ret@"), "{}", told(&fault)),
        }
    }
    let query = Target::parse(&format!("postgres://u@h/d?password={ENCODED}")).unwrap();
    assert_eq!(password(&query), Some(CANARY));
    assert_no_canary(&format!("{query:?} {}", query.shown()));
}

const NAMED: &str =
    "database = \"dev\"\n[databases.dev]\nurl = \"sqlite:dev.db\"\n[databases.prod]\nurl_env = \"PROD_URL\"\n";

#[test]
fn what_a_person_says_wins() {
    let folder =
        project(&[("switchback.toml", NAMED), (".env", "DATABASE_URL=sqlite:dotenv.db\nPROD_URL=sqlite:p.db\n")]);
    let config = Config::load(folder.path()).unwrap();
    let at_root = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let none = vars(&[]);
    let env = vars(&[("DATABASE_URL", "sqlite:env.db")]);
    let cases = [
        (Some("prod"), &env, at_root("p.db"), "--database", Some("prod")),
        (Some("sqlite:said.db"), &env, String::from("said.db"), "--database", None),
        (None, &env, String::from("env.db"), "DATABASE_URL", None),
        (None, &none, at_root("dotenv.db"), ".env", None),
    ];
    for (said, env, database, source, name) in cases {
        let resolved = config.resolve(said, env).unwrap();
        assert_eq!(resolved.target.database, database, "{said:?}");
        assert_eq!((resolved.source, resolved.name.as_deref()), (source, name), "{said:?}");
    }
    fs::remove_file(folder.path().join(".env")).unwrap();
    let config = Config::load(folder.path()).unwrap();
    let resolved = config.resolve(None, &none).unwrap();
    assert_eq!((resolved.target.database, resolved.source), (at_root("dev.db"), "switchback.toml"));
    let unset = config.resolve(Some("prod"), &none).unwrap_err();
    assert!(unset.parts().what.contains("PROD_URL"), "{}", told(&unset));
    let near = config.resolve(Some("prd"), &none).unwrap_err();
    assert!(near.parts().help.as_ref().unwrap().contains("prod"), "{}", told(&near));
}

#[test]
fn without_a_database_the_ways_to_say_one_are_shown() {
    let folder = project(&[]);
    let fault = Config::load(folder.path()).unwrap().resolve(None, &vars(&[])).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Usage);
    for way in ["--database", "DATABASE_URL", "switchback.toml"] {
        assert!(fault.parts().help.as_ref().unwrap().contains(way), "{}", told(&fault));
    }
}

#[test]
fn settings_are_found_upward_and_have_defaults() {
    let text = "migrations = \"db/m\"\nlayout = \"diesel\"\nlock_wait = 5\nlock_timeout = 100\nwait = 3\nshadow = \"local\"\n\
        [policy]\nallow_lossy = false\n";
    let folder = project(&[("switchback.toml", text), ("deep/down/x", "")]);
    let config = Config::load(&folder.path().join("deep/down")).unwrap();
    assert_eq!(config.root, folder.path());
    assert_eq!(config.migrations, folder.path().join("db/m"));
    assert_eq!(
        (config.lock_wait, config.lock_timeout_ms, config.wait),
        (Some(Duration::from_secs(5)), 100, Duration::from_secs(3))
    );
    assert_eq!(config.policy, Policy { allow_lossy: false, ..Policy::default() });
    let resolved = config.resolve(Some("sqlite::memory:"), &vars(&[])).unwrap();
    assert_eq!((resolved.shadow, resolved.target.database.as_str()), (Shadow::Local, ":memory:"));
    let over = config.resolve(Some("sqlite::memory:"), &vars(&[("SWITCHBACK_SHADOW", "server")])).unwrap();
    assert_eq!(over.shadow, Shadow::Server);

    let bare = project(&[]);
    let config = Config::load(bare.path()).unwrap();
    assert_eq!((config.file, config.migrations), (None, bare.path().join("migrations")));
    assert_eq!((config.lock_wait, config.lock_timeout_ms, config.layout), (None, 2000, None));
}

#[test]
fn a_wrong_setting_is_shown_with_its_place() {
    #[rustfmt::skip]
    let cases = [
        ("migratons = \"m\"\n", 1, 1, "migratons= …", "unknown field `migratons`"),
        ("layout = \"x\"\nlock_wait = \"soon\"\n", 2, 13, "lock_wait = \"soon\"", "`lock_wait` wants a whole number of seconds, 0 or more"),
        ("[policy]\nallow_lossy = maybe\n", 2, 15, "allow_lossy = maybe", ""),
        ("[policy]\nallow_lossy = \"no\"\n", 2, 15, "allow_lossy = \"no\"", "`allow_lossy` wants true or false"),
        ("statement_timeout = -1\n", 1, 21, "statement_timeout = -1", "wants a whole number of milliseconds, 0 or more"),
        ("migrations = 3\n", 1, 14, "migrations = 3", "`migrations` wants a text in quotes"),
        ("policy = 3\n", 1, 10, "policy = …", "`policy` wants a table of settings"),
        ("[session]\nsqlite = 3\n", 2, 10, "sqlite = …", "`sqlite` wants a text of SQL, or a list of such"),
        ("[databases]\na = { wait = true }\n", 2, 14, "a = …", "`wait` wants a whole number of seconds"),
        ("[databases.a\nurl = \"sqlite:a.db\"\n", 1, 13, "[databases.a", ""),
        ("[databases.a]\nport = 1\n", 2, 1, "port = …", "unknown field `port`"),
    ];
    for (text, line, column, excerpt, cause) in cases {
        let folder = project(&[("switchback.toml", text)]);
        let fault = Config::load(folder.path()).unwrap_err();
        let parts = fault.parts();
        assert_eq!(parts.kind, FaultKind::Usage);
        let place = parts.place.as_ref().unwrap();
        assert!(place.path.ends_with("switchback.toml"));
        assert_eq!((place.line, place.column), (line, column), "{text}: {}", told(&fault));
        let shown = parts.excerpt.as_ref().unwrap().line.replace(" = …", "= …");
        assert_eq!(shown, excerpt.replace(" = …", "= …"), "{text}");
        assert!(parts.causes.join(" ").contains(cause), "{text}: {}", told(&fault));
    }
    let folder = project(&[("switchback.toml", "database = \"x\"\n[databases.y]\nurl = \"sqlite:y.db\"\n")]);
    let fault = Config::load(folder.path()).unwrap_err();
    assert!(fault.parts().what.contains('x') && fault.parts().help.as_ref().unwrap().contains('y'));
    let folder = project(&[(".env", "A=1\n\nnonsense\n")]);
    assert_eq!(Config::load(folder.path()).unwrap_err().parts().place.as_ref().unwrap().line, 3);
}

#[test]
fn i10_a_settings_file_that_is_wrong_shows_no_secret() {
    let url = format!("postgres://u:{CANARY}@h/d");
    let cases = [
        format!("[databases.a]\nurl = \"{url}\n"),
        format!("[databases.a]\npassword = \"{CANARY}\"\n"),
        format!("[databases]\na = {{ url = '''{url}''', nope = 1 }}\n"),
        format!("wait = \"{url}\"\n"),
        format!("lock_wait = '''\n{url}'''\n"),
        format!("database = \"{url}\"\n"),
        format!("[databases.a]\nurl = {url}\n"),
        format!("[databases.a]\nwait = '''{CANARY}'''\npassword_command = '''echo \"{CANARY}\"'''\nx = 1"),
    ];
    for text in cases {
        let folder = project(&[("switchback.toml", &text)]);
        let told = match Config::load(folder.path()) {
            Err(fault) => told(&fault),
            Ok(config) => format!("{config:?} {}", told(&config.resolve(Some("a"), &vars(&[])).unwrap_err())),
        };
        if !text.contains("[databases.a]\nwait") {
            assert_no_canary(&told);
        }
    }
    let good = format!("[databases.a]\nurl = '''{}'''\npassword_command = '''echo '{CANARY}' '''\n", url);
    let folder = project(&[("switchback.toml", &good), (".env", &format!("PW='{CANARY}'\n"))]);
    if let Ok(config) = Config::load(folder.path()) {
        assert_no_canary(&format!("{config:?}"));
    }
}

#[test]
fn dotenv_is_read_as_other_tools_write_it() {
    let text = "# comment\nexport DATABASE_URL = \"postgres://u@h/d\" # why\nPGPASSWORD='p$w # d'\nPGPORT=5433 # port\n\
        EMPTY=\nPGAPPNAME=\"two\\nlines\\\"\"\nPGOPTIONS='a\nb'\n";
    let folder = project(&[(".env", text)]);
    let target = Config::load(folder.path()).unwrap().resolve(None, &vars(&[])).unwrap().target;
    assert_eq!((target.host.as_deref(), target.port, password(&target)), (Some("h"), Some(5433), Some("p$w # d")));
    assert_eq!(target.params["application_name"], "two\nlines\"");
    assert_eq!(target.params["options"], "a\nb");
    let over = Config::load(folder.path()).unwrap().resolve(None, &vars(&[("PGPORT", "1")])).unwrap().target;
    assert_eq!(over.port, Some(1), "the real environment wins");
}

#[test]
fn passwords_come_from_where_they_are_said_to_be() {
    let settings = "[databases.file]\nurl = \"postgres://u@h/d\"\npassword_file = \"secret.txt\"\n\
        [databases.command]\nurl = \"mysql://u@h/d\"\npassword_command = \"cat secret.txt; echo more\"\n\
        [databases.url]\nurl = \"postgres://u:fromurl@h/d\"\npassword_file = \"secret.txt\"\n\
        [databases.home]\nurl = \"postgres://u@h/d\"\npassword_file = \"~/secret.txt\"\n\
        [databases.missing]\nurl = \"postgres://u@h/d\"\npassword_file = \"nowhere.txt\"\n\
        [databases.failing]\nurl = \"postgres://u@h/d\"\npassword_command = \"echo 'c^n%a@r'; echo 'y#s' >&2; exit 3\"\n\
        [databases.silent]\nurl = \"postgres://u@h/d\"\npassword_command = \"true\"\n";
    let folder = project(&[("switchback.toml", settings), ("secret.txt", &format!("{CANARY}\nsecond\n"))]);
    let config = Config::load(folder.path()).unwrap();
    let env = vars(&[("HOME", folder.path().to_str().unwrap()), ("PGPASSWORD", "weaker")]);
    for (name, expected) in [("file", CANARY), ("command", CANARY), ("url", "fromurl"), ("home", CANARY)] {
        let resolved = config.resolve(Some(name), &env).unwrap();
        assert_eq!(password(&resolved.target), Some(expected), "{name}");
        assert!(resolved.warnings.is_empty(), "{name}: {:?}", resolved.warnings);
        assert_no_canary(&format!("{resolved:?}"));
    }
    for (name, what) in [("missing", "nowhere.txt"), ("failing", "exit status: 3"), ("silent", "empty")] {
        let fault = config.resolve(Some(name), &env).unwrap_err();
        assert!(told(&fault).contains(what), "{name}: {}", told(&fault));
        assert_no_canary(&told(&fault));
    }
    if cfg!(unix) {
        private(&folder.path().join("secret.txt"), 0o644);
        assert_eq!(config.resolve(Some("file"), &env).unwrap().warnings[0].code, "password-file-open");
    }
}

#[test]
fn postgres_variables_fill_what_the_url_leaves_out() {
    let folder = project(&[]);
    let config = Config::load(folder.path()).unwrap();
    let env = vars(&[
        ("PGHOST", "/run/pg"),
        ("PGPORT", "5433"),
        ("PGUSER", "ann"),
        ("PGDATABASE", "shop"),
        ("PGPASSWORD", CANARY),
        ("PGSSLMODE", "require"),
        ("PGSSLROOTCERT", "/root.crt"),
        ("PGSSLCERT", "/c.crt"),
        ("PGSSLKEY", "/c.key"),
    ]);
    let target = config.resolve(Some("postgres://"), &env).unwrap().target;
    assert_eq!((target.socket, target.host), (Some(PathBuf::from("/run/pg")), None));
    assert_eq!((target.port, target.user.as_deref(), target.database.as_str()), (Some(5433), Some("ann"), "shop"));
    assert_eq!(target.password.unwrap().reveal(), CANARY);
    let params: Vec<String> = target.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(params, ["sslcert=/c.crt", "sslkey=/c.key", "sslmode=require", "sslrootcert=/root.crt"]);
    let url = config.resolve(Some("postgres://bob:pw@h:1/d?sslmode=disable"), &env).unwrap().target;
    assert_eq!(
        (url.host.as_deref(), url.port, url.user.as_deref(), url.database.as_str()),
        (Some("h"), Some(1), Some("bob"), "d")
    );
    assert_eq!((password(&url), url.params["sslmode"].as_str()), (Some("pw"), "disable"));
    let user = config.resolve(Some("postgres://bob@h"), &vars(&[])).unwrap().target;
    assert_eq!(user.database, "bob", "as psql does");
    for (name, value) in [("PGPORT", "x"), ("PGSSLMODE", "x")] {
        assert!(
            config.resolve(Some("postgres://u@h/d"), &vars(&[(name, value)])).unwrap_err().parts().what.contains(name)
        );
    }
}

#[test]
fn the_password_file_is_searched_as_psql_does() {
    let text = "# comment\nh:5432:other:u:wrong\nh:5432:d:u:first\nh:*:*:u:second\nlocalhost:5432:d:u:local\n\
        ho\\:st:*:*:*:a\\:b\\\\c\n/run/pg:*:*:*:socket\n";
    let folder = project(&[(".pgpass", text), ("else", "*:*:*:*:elsewhere\n")]);
    let config = Config::load(folder.path()).unwrap();
    let home = folder.path().to_str().unwrap();
    let elsewhere = folder.path().join("else");
    let cases = [
        ("postgres://u@h/d", Some("first")),
        ("postgres://u@h:5433/d", Some("second")),
        ("postgres://u@/d", Some("local")),
        ("postgres://u@/d?host=/run/pg", Some("local")),
        ("postgres://x@/y?host=/run/pg", Some("socket")),
        ("postgres://u@[ho:st]/d", Some("a:b\\c")),
        ("postgres://u@nowhere/d", None),
        ("postgres://u:own@h/d", Some("own")),
    ];
    for (url, expected) in cases {
        let resolved = config.resolve(Some(url), &vars(&[("HOME", home)])).unwrap();
        assert_eq!(password(&resolved.target), expected, "{url}");
    }
    let env = vars(&[("HOME", home), ("PGPASSFILE", elsewhere.to_str().unwrap())]);
    assert_eq!(password(&config.resolve(Some("postgres://u@h/d"), &env).unwrap().target), Some("elsewhere"));
    if cfg!(unix) {
        private(&folder.path().join(".pgpass"), 0o644);
        let resolved = config.resolve(Some("postgres://u@h/d"), &vars(&[("HOME", home)])).unwrap();
        assert_eq!((password(&resolved.target), resolved.warnings.len()), (None, 1));
    }
}

#[test]
fn mysqls_option_file_fills_what_the_url_leaves_out() {
    let text = format!(
        "!include /nowhere\n[mysqld]\nuser=root\n[client]\n# comment\nuser = ann # who\npassword=\"{}\"\nhost=db\nport=3307\n\
        ssl_ca=/ca.pem\nssl-mode=VERIFY_CA\n[mysql]\nhost=other\n",
        CANARY.replace('\\', "\\\\")
    );
    let folder = project(&[(".my.cnf", &text)]);
    let config = Config::load(folder.path()).unwrap();
    let home = ("HOME", folder.path().to_str().unwrap());
    let resolved = config
        .resolve(Some("mysql:///shop"), &vars(&[home, ("MYSQL_PWD", "weaker"), ("MYSQL_HOST", "weaker")]))
        .unwrap();
    let target = &resolved.target;
    assert_eq!((target.host.as_deref(), target.port, target.user.as_deref()), (Some("db"), Some(3307), Some("ann")));
    assert_eq!(password(target), Some(CANARY));
    assert_eq!((target.params["ssl-ca"].as_str(), target.params["sslmode"].as_str()), ("/ca.pem", "verify-ca"));
    assert_no_canary(&format!("{resolved:?} {}", target.shown()));
    let env = vars(&[("MYSQL_PWD", "pw"), ("MYSQL_HOST", "localhost"), ("MYSQL_UNIX_PORT", "/run/s")]);
    let target = config.resolve(Some("mariadb://u@/shop"), &env).unwrap().target;
    assert_eq!((password(&target), target.socket.as_deref()), (Some("pw"), Some(Path::new("/run/s"))));
    let fault = config.resolve(Some("mysql://u@h"), &vars(&[])).unwrap_err();
    assert!(fault.parts().what.contains("no database"), "{}", told(&fault));
}

#[test]
fn a_shadow_is_a_word_or_a_url() {
    assert_eq!(Shadow::parse("server").unwrap(), Shadow::Server);
    assert_eq!(Shadow::parse("auto").unwrap(), Shadow::Auto);
    let Shadow::Url(target) = Shadow::parse(&format!("postgres://u:{ENCODED}@h/d")).unwrap() else { panic!("no URL") };
    assert_eq!(password(&target), Some(CANARY));
    assert_eq!(Shadow::parse("remote").unwrap_err().kind(), FaultKind::Usage);
    assert_no_canary(&told(&Shadow::parse(CANARY).unwrap_err()));
}
