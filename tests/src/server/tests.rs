//! The harness itself, on real servers.
//!
//! These tests start private servers even if [`URL_VARIABLE`](super::URL_VARIABLE) is set: what they look at is starting.

use std::{
    env, fs,
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection, RunQueryDsl, dsl::sql, sql_types::Text};

use super::{DatabaseOptions, Server, ServerOptions, TestDatabase, address::Address, installation::Installation};

/// Variable that tells a test to play the process that gets killed, and to write its server's address to a file.
const VICTIM_VARIABLE: &str = "POLYMNIA_TEST_POSTGRES_VICTIM";

/// Longest wait for a server to stop and its folder to go. An immediate shutdown gives its processes 5 s.
const STOP_LIMIT: Duration = Duration::from_secs(20);

static SERVER: LazyLock<Server> = LazyLock::new(|| start(&ServerOptions::default()));

#[test]
fn a_server_starts_as_documented() {
    let server = &*SERVER;
    assert!(server.is_private());
    assert_eq!((server.host(), server.user()), ("127.0.0.1", "postgres"));
    assert!(server.version() >= super::OLDEST_VERSION);
    for (setting, value) in [
        ("fsync", "off"),
        ("listen_addresses", "127.0.0.1"),
        ("max_connections", "300"),
        ("shared_buffers", "64MB"),
        ("password_encryption", "scram-sha-256"),
        ("lc_messages", "C"),
        ("port", &server.port().to_string()),
    ] {
        assert_eq!(show(&mut server.connect("postgres").unwrap(), setting), value, "{setting}");
    }
}

#[test]
fn a_durable_server_waits_for_its_disk() {
    let server = start(&ServerOptions::durable().with_setting("work_mem", "12MB"));
    let mut connection = server.connect("postgres").unwrap();
    for (setting, value) in [("fsync", "on"), ("synchronous_commit", "on"), ("work_mem", "12MB")] {
        assert_eq!(show(&mut connection, setting), value, "{setting}");
    }
}

#[test]
fn databases_are_isolated_and_dropped() {
    let (one, two) = (SERVER.create_database(), SERVER.create_database());
    one.sql("CREATE TABLE t (id int)").unwrap();
    one.sql("INSERT INTO t VALUES (1)").unwrap();
    assert!(two.sql("SELECT * FROM t").unwrap_err().to_string().contains("\"t\" does not exist"));

    // A connection that is still open must not keep the database.
    let _open = one.connect().unwrap();
    let url = one.url();
    PgConnection::establish(&url).unwrap();
    drop(one);
    assert!(PgConnection::establish(&url).err().unwrap().to_string().contains("does not exist"));
    two.sql("SELECT 1").unwrap();
}

#[test]
fn a_database_keeps_its_server() {
    let server = start(&ServerOptions::default());
    let folder = server.socket_dir().unwrap().to_owned();
    let database = server.create_database();
    drop(server);
    database.sql("SELECT 1").unwrap();
    drop(database);
    assert!(!folder.exists());
}

#[test]
fn somebody_elses_server_serves_through_its_url() {
    let server = Server::reached(Address::parse(&SERVER.url("postgres")).unwrap(), None).unwrap();
    assert!(!server.is_private());
    assert_eq!((server.version(), server.socket_dir()), (SERVER.version(), None));
    let database = server.create_database();
    drop(server);
    database.sql("CREATE TABLE t (id int)").unwrap();
}

#[test]
fn a_database_is_utf8_unless_asked_otherwise() {
    let encoding = |database: &TestDatabase| show(&mut database.connect().unwrap(), "server_encoding");
    assert_eq!(encoding(&SERVER.create_database()), "UTF8");
    let options = DatabaseOptions::default().with_encoding("LATIN1").with_locale("C");
    assert_eq!(encoding(&SERVER.create_database_with(&options).unwrap()), "LATIN1");
}

#[test]
fn a_wrong_password_is_refused_over_tcp_and_socket() {
    let (port, password, socket) = (SERVER.port(), SERVER.password(), SERVER.socket_dir().unwrap().display());
    for place in [format!("127.0.0.1:{port}/postgres?"), format!("/postgres?host={socket}&port={port}&")] {
        let log_in = |password: &str| PgConnection::establish(&format!("postgres://postgres:{password}@{place}"));
        log_in(password).unwrap();
        let refused = log_in("wrong").err().unwrap().to_string();
        assert!(refused.contains("password authentication failed"), "{refused}");
    }
}

#[test]
fn a_dropped_server_is_gone() {
    let server = start(&ServerOptions::default());
    let (port, folder) = (server.port(), server.socket_dir().unwrap().to_owned());
    // An open connection must not delay it.
    let _open = server.connect("postgres").unwrap();
    drop(server);
    assert!(is_gone(port, &folder));
}

#[test]
fn a_server_that_cannot_start_shows_its_log() {
    let options = ServerOptions::default().with_setting("shared_buffers", "many");
    let error = Server::start_private(&Installation::find().unwrap(), &options).unwrap_err().to_string();
    assert!(error.contains("did not start") && error.contains("shared_buffers"), "{error}");
}

/// Kills a process that runs this very test as the victim, as a user or the system's memory killer would.
#[test]
fn a_server_ends_with_its_killed_process() {
    if let Some(note) = env::var_os(VICTIM_VARIABLE) {
        return play_victim(Path::new(&note));
    }
    let scratch = tempfile::tempdir().unwrap();
    let note = scratch.path().join("note");
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut victim = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--nocapture", &format!("{module}::a_server_ends_with_its_killed_process")])
        .env(VICTIM_VARIABLE, &note)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(within(Duration::from_mins(2), || note.exists()), "the victim has no server");
    let text = fs::read_to_string(&note).unwrap();
    let (port, folder) = text.split_once(' ').unwrap();
    let (port, folder) = (port.parse().unwrap(), PathBuf::from(folder));
    assert!(!is_gone(port, &folder), "the victim's server does not run");

    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(within(STOP_LIMIT, || is_gone(port, &folder)), "the server of the killed process is left in {text}");
}

/// Needs a server with translations, as Debian's is, and either the locale or `localedef`.
#[test]
#[ignore = "not every server has translations"]
fn a_server_speaks_another_language() {
    let server = start(&ServerOptions::default().with_lc_messages("de_DE.UTF-8"));
    let error = server.sql("postgres", "SELECT * FROM t").unwrap_err().to_string();
    assert!(error.contains("existiert nicht"), "{error}");
}

/// Prints what a server and a database cost. Run it alone, with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn times() {
    let begin = Instant::now();
    let server = start(&ServerOptions::default());
    eprintln!("PostgreSQL {} started in {:?}", server.version(), begin.elapsed());
    for threads in [1, 2, 8] {
        const EACH: u32 = 20;
        let begin = Instant::now();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..EACH).for_each(|_| drop(server.create_database())));
            }
        });
        eprintln!("{threads} threads: {:?} to create and drop a database", begin.elapsed() / (threads * EACH));
    }
    let begin = Instant::now();
    let databases: Vec<_> = (0..40).map(|_| server.create_database()).collect();
    eprintln!("{:?} to create a database", begin.elapsed() / 40);
    let begin = Instant::now();
    drop(databases);
    eprintln!("{:?} to drop a database", begin.elapsed() / 40);
    let begin = Instant::now();
    (0..20).for_each(|_| drop(server.connect("postgres").unwrap()));
    eprintln!("{:?} to connect", begin.elapsed() / 20);
    let begin = Instant::now();
    drop(server);
    eprintln!("stopped in {:?}", begin.elapsed());
}

fn start(options: &ServerOptions) -> Server {
    Installation::find()
        .and_then(|installation| Server::start_private(&installation, options))
        .unwrap_or_else(|error| panic!("{error}"))
}

fn show(connection: &mut PgConnection, setting: &str) -> String {
    diesel::select(sql::<Text>(&format!("current_setting('{setting}')"))).get_result(connection).unwrap()
}

/// Starts a server, writes `port folder` to the note and waits for the end.
fn play_victim(note: &Path) {
    let server = start(&ServerOptions::default());
    let text = format!("{} {}", server.port(), server.socket_dir().unwrap().display());
    let draft = note.with_extension("draft");
    fs::write(&draft, text).unwrap();
    // Renamed, so that the note is whole once it exists.
    fs::rename(draft, note).unwrap();
    thread::sleep(Duration::from_mins(10));
}

fn is_gone(port: u16, folder: &Path) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() && !folder.exists()
}

fn within(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if condition() {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    condition()
}
