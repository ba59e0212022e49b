//! The first words of PostgreSQL's protocol, for the code of an error that libpq tells in the server's language only.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use crate::config::Config;

/// The longest a server may take for each step.
const PATIENCE: Duration = Duration::from_secs(2);
/// Protocol 3.0.
const VERSION: i32 = 3 << 16;
/// An error message is a few hundred bytes.
const LONGEST: usize = 16 << 10;

/// Asks the first of the servers that answers to begin a session, without a password, and returns the five letters of the
/// error (SQLSTATE) if it refuses. None if it would go on, or nobody answers.
pub(crate) fn code(config: &Config) -> Option<String> {
    let hosts = config.value("hostaddr").or_else(|| config.value("host"))?.split(',');
    let ports: Vec<&str> = config.value("port").unwrap_or_default().split(',').collect();
    let user = config.value("user").unwrap_or("postgres");
    let database = config.value("dbname").unwrap_or(user);
    hosts.enumerate().find_map(|(index, host)| {
        let port = ports.get(index).or(ports.first()).filter(|port| !port.is_empty()).unwrap_or(&"5432");
        let mut stream = connect(host, port)?;
        stream.write_all(&startup_message(user, database)).ok()?;
        let mut head = [0; 5];
        stream.read_exact(&mut head).ok()?;
        let [kind, length @ ..] = head;
        let length = usize::try_from(i32::from_be_bytes(length)).ok()?.checked_sub(4)?;
        if kind != b'E' || length > LONGEST {
            return None;
        }
        let mut fields = vec![0; length];
        stream.read_exact(&mut fields).ok()?;
        sqlstate(&fields)
    })
}

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

fn connect(host: &str, port: &str) -> Option<Box<dyn Stream>> {
    if host.starts_with('/') {
        return connect_to_socket(host, port);
    }
    let address = (host, port.parse::<u16>().ok()?).to_socket_addrs().ok()?.next()?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    Some(Box::new(stream))
}

#[cfg(unix)]
fn connect_to_socket(folder: &str, port: &str) -> Option<Box<dyn Stream>> {
    let stream = std::os::unix::net::UnixStream::connect(format!("{folder}/.s.PGSQL.{port}")).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    Some(Box::new(stream))
}

#[cfg(not(unix))]
fn connect_to_socket(_: &str, _: &str) -> Option<Box<dyn Stream>> {
    None
}

fn startup_message(user: &str, database: &str) -> Vec<u8> {
    let mut body = VERSION.to_be_bytes().to_vec();
    for text in ["user", user, "database", database] {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    let length = i32::try_from(body.len() + 4).unwrap_or(i32::MAX);
    [&length.to_be_bytes()[..], &body].concat()
}

/// Returns the field `C` of an error: each is a letter and a text, ended by a zero byte.
fn sqlstate(fields: &[u8]) -> Option<String> {
    let field = fields.split(|byte| *byte == 0).find_map(|field| field.strip_prefix(b"C"))?;
    String::from_utf8(field.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_among_the_fields() {
        assert_eq!(sqlstate(b"SFATAL\0VFATAL\0C57P03\0Mdas Datenbanksystem startet\0\0").as_deref(), Some("57P03"));
        assert_eq!(sqlstate(b"SFATAL\0\0"), None);
        assert_eq!(sqlstate(b""), None);
    }

    #[test]
    fn the_message_says_how_long_it_is() {
        let message = startup_message("ann", "app");
        assert_eq!(message[..8], [0, 0, 0, 31, 0, 3, 0, 0]);
        assert_eq!(&message[8..], b"user\0ann\0database\0app\0\0");
        assert_eq!(message.len(), 31);
    }
}
