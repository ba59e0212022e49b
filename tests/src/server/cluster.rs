//! A private server: its cluster, its port and its password.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
};

use super::{
    ServerError, ServerOptions,
    account::ServerUser,
    address::Address,
    folder,
    installation::Installation,
    language,
    supervisor::{Start, Supervisor},
};

/// How many ports to try. Another process can take a port between its choice and the server's start.
const ATTEMPTS: usize = 5;

/// Starts a server in a fresh cluster, which lives as long as its supervisor, and returns it with its address. With the
/// address of another, it is a standby of that one.
pub(super) fn start(
    installation: &Installation,
    options: &ServerOptions,
    primary: Option<&Address>,
) -> Result<(Supervisor, Address), ServerError> {
    let user = ServerUser::choose()?;
    for _ in 0..ATTEMPTS {
        if let Some(started) = attempt(installation, user, options, primary)? {
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
    primary: Option<&Address>,
) -> Result<Option<(Supervisor, Address)>, ServerError> {
    let mut supervisor = Supervisor::start(user, folder::choose(user)?)?;
    let folder = supervisor.folder().to_owned();
    let bin = installation.usable_by(user, &folder)?;
    if let Some(locale) = options.lc_messages() {
        language::provide(locale, user, &folder.join("locales"))?;
    }
    // Not for secrecy: the random password keeps tests of a wrong one, or of another server on the port, honest.
    let password = match primary {
        Some(primary) => primary.password().to_owned(),
        None => std::iter::repeat_with(fastrand::alphanumeric).take(24).collect(),
    };
    let options = options.clone().with_setting("unix_socket_directories", &folder.display().to_string());
    write(user, &folder.join("password"), &password)?;
    write(user, &folder.join("settings"), &options.configuration())?;
    if let Some(primary) = primary {
        write(user, &folder.join("primary"), &primary.url(primary.database()))?;
    }

    let port = free_port().map_err(|error| ServerError::because("could not find a free port", error))?;
    let problem = match supervisor.serve(&bin, port) {
        Start::Ready => return Ok(Some((supervisor, Address::private(port, &password, &folder)))),
        // Asked of the port itself, because the log may speak another language.
        Start::Ended if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() => return Ok(None),
        Start::Ended => "did not start",
        Start::Late => "was not ready in time",
    };
    let bin = bin.display();
    Err(ServerError::because(format!("the PostgreSQL of {bin} {problem}, its log ends with"), supervisor.log()))
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
