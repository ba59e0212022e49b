//! A private server: its cluster, its port and its password.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    ServerError, ServerOptions, account::ServerUser, address::Address, folder, installation::Installation, language,
    supervisor::Supervisor,
};

/// How many ports to try. Another process can take a port between its choice and the server's start.
const ATTEMPTS: usize = 5;

/// How long a server may take to start; a second is usual, more on a machine that builds at the same time.
const START_LIMIT: Duration = Duration::from_mins(1);

/// Starts a server in a fresh cluster, which lives as long as its supervisor, and returns it with its address.
pub(super) fn start(
    installation: &Installation,
    options: &ServerOptions,
) -> Result<(Supervisor, Address), ServerError> {
    let user = ServerUser::choose()?;
    for _ in 0..ATTEMPTS {
        if let Some(started) = attempt(installation, user, options)? {
            return Ok(started);
        }
    }
    Err(ServerError::new(format!("other processes took each of {ATTEMPTS} ports before the server could")))
}

/// Starts a server, or returns nothing if its port was taken meanwhile.
fn attempt(
    installation: &Installation,
    user: ServerUser,
    options: &ServerOptions,
) -> Result<Option<(Supervisor, Address)>, ServerError> {
    let folder = folder::create(user)?;
    let installation = installation.clone().usable_by(user, folder.path())?;
    let locales = match options.lc_messages() {
        Some(locale) => language::provide(locale, user, folder.path())?,
        None => None,
    };
    // Not for secrecy: the random password keeps tests of a wrong one, or of another server on the port, honest.
    let password: String = std::iter::repeat_with(fastrand::alphanumeric).take(24).collect();
    let socket_dir = folder.path().display().to_string();
    let options = options.clone().with_setting("unix_socket_directories", &socket_dir);
    write(user, &folder.path().join("password"), &password)?;
    write(user, &folder.path().join("settings"), &options.configuration())?;

    let port = free_port().map_err(|error| ServerError::because("could not find a free port", error))?;
    let mut supervisor = Supervisor::start(&installation, user, folder, port, locales.as_deref())?;
    let problem = match wait_until_ready(&mut supervisor) {
        Outcome::Ready => {
            let address = Address::private(port, &password, supervisor.folder());
            return Ok(Some((supervisor, address)));
        }
        // Asked of the port itself, because the log may speak another language.
        Outcome::Ended if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() => return Ok(None),
        Outcome::Ended => "did not start".to_owned(),
        Outcome::Late => format!("was not ready after {} s", START_LIMIT.as_secs()),
    };
    let bin = installation.bin().display();
    Err(ServerError::because(format!("the PostgreSQL of {bin} {problem}, its log ends with"), supervisor.log()))
}

enum Outcome {
    Ready,
    Ended,
    Late,
}

fn wait_until_ready(supervisor: &mut Supervisor) -> Outcome {
    let deadline = Instant::now() + START_LIMIT;
    while Instant::now() < deadline {
        if supervisor.is_ready() {
            return Outcome::Ready;
        }
        if supervisor.has_ended() {
            return Outcome::Ended;
        }
        thread::sleep(Duration::from_millis(10));
    }
    Outcome::Late
}

/// Asks the system for a port of the loopback interface that nobody listens on.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn write(user: ServerUser, path: &Path, text: &str) -> Result<(), ServerError> {
    fs::write(path, text)
        .map_err(|error| ServerError::because(format!("could not write {}", path.display()), error))?;
    user.own(path)
}
