//! Where a server is and who logs in: what a connection URL says, for any database of that server.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use percent_encoding::percent_decode_str;

use super::{ServerError, URL_VARIABLE};

/// A server's address and the login of a role that may create databases.
///
/// `Debug` leaves the password out.
pub(super) struct Address {
    /// Everything up to the slash before the database: scheme, login, host and port, still percent-encoded.
    prefix: String,
    /// Everything from the question mark on, or nothing.
    query: String,
    /// Database to connect to for work on the server as a whole.
    database: String,
    user: String,
    password: String,
    host: String,
    port: u16,
    socket_dir: Option<PathBuf>,
}

impl Address {
    /// The address of a private server. `password` has to be letters and digits, which need no encoding in a URL.
    pub(super) fn private(port: u16, password: &str, socket_dir: &Path) -> Self {
        let (user, host) = ("postgres", "127.0.0.1");
        Self {
            prefix: format!("postgres://{user}:{password}@{host}:{port}"),
            query: String::new(),
            database: "postgres".to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
            host: host.to_owned(),
            port,
            socket_dir: Some(socket_dir.to_owned()),
        }
    }

    /// Reads a URL as libpq does, but asks for the user and the host to be named.
    pub(super) fn parse(url: &str) -> Result<Self, ServerError> {
        // The URL holds a password, so no message here repeats it.
        let refuse = |what: &str| {
            ServerError::new(format!("{URL_VARIABLE} {what}, expected postgres://user:password@host:port/database"))
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| refuse("is no URL"))?;
        if !matches!(scheme, "postgres" | "postgresql") {
            return Err(refuse("has another scheme than postgres"));
        }
        let (rest, query) = rest.find('?').map_or((rest, ""), |at| rest.split_at(at));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (host, port) = split_port(place);

        if parameter(query, "dbname").is_some() {
            return Err(refuse("names the database as a parameter, which hides that of each test"));
        }
        let or_parameter = |value: &str, name: &str| {
            let value = if value.is_empty() { parameter(query, name).unwrap_or("") } else { value };
            percent_decode_str(value).decode_utf8().map(String::from).map_err(|_| refuse("is not UTF-8 when decoded"))
        };
        let user = or_parameter(user, "user")?;
        let password = or_parameter(password, "password")?;
        let host = or_parameter(host, "host")?;
        let port = or_parameter(port, "port")?;
        let database = or_parameter(path, "")?;
        if user.is_empty() {
            return Err(refuse("names no user"));
        }
        if host.is_empty() || host.contains(',') {
            return Err(refuse("does not name one host"));
        }
        Ok(Self {
            prefix: format!("{scheme}://{authority}"),
            query: query.to_owned(),
            database: if database.is_empty() { "postgres".to_owned() } else { database },
            user,
            password,
            port: if port.is_empty() {
                5432
            } else {
                port.parse().map_err(|_| refuse("has a port that is no port"))?
            },
            socket_dir: host.starts_with('/').then(|| PathBuf::from(&host)),
            host,
        })
    }

    /// The URL of one database, whose name must not need percent-encoding.
    pub(super) fn url(&self, database: &str) -> String {
        format!("{}/{database}{}", self.prefix, self.query)
    }

    /// The name of the database for work on the server as a whole.
    pub(super) fn database(&self) -> &str {
        &self.database
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn socket_dir(&self) -> Option<&Path> {
        self.socket_dir.as_deref()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("user", &self.user)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("socket_dir", &self.socket_dir)
            .finish_non_exhaustive()
    }
}

/// Splits `host:port`, where an IPv6 host stands in brackets.
fn split_port(place: &str) -> (&str, &str) {
    if let Some((host, rest)) = place.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return (host, rest.strip_prefix(':').unwrap_or(""));
    }
    place.split_once(':').unwrap_or((place, ""))
}

/// The still encoded value of a parameter of `?a=b&c=d`.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .trim_start_matches('?')
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_and_points_to_another_database() {
        let address = Address::parse("postgresql://me:p%40ss@db.example:6543/home?sslmode=require").unwrap();
        assert_eq!((address.user(), address.password()), ("me", "p@ss"));
        assert_eq!((address.host(), address.port(), address.database()), ("db.example", 6543, "home"));
        assert_eq!(address.url("other"), "postgresql://me:p%40ss@db.example:6543/other?sslmode=require");
        assert_eq!(address.socket_dir(), None);
    }

    #[test]
    fn defaults_sockets_and_ipv6_are_understood() {
        let address = Address::parse("postgres://me@localhost").unwrap();
        assert_eq!((address.port(), address.password(), address.database()), (5432, "", "postgres"));
        assert_eq!(address.url("x"), "postgres://me@localhost/x");

        let address = Address::parse("postgres://me@/home?host=/run/pg&port=5433").unwrap();
        assert_eq!((address.host(), address.port()), ("/run/pg", 5433));
        assert_eq!(address.socket_dir(), Some(Path::new("/run/pg")));
        assert_eq!(address.url("x"), "postgres://me@/x?host=/run/pg&port=5433");

        let encoded = Address::parse("postgres://me@%2Frun%2Fpg/home").unwrap();
        assert_eq!(encoded.socket_dir(), Some(Path::new("/run/pg")));

        let address = Address::parse("postgres://me@[::1]:7000/home").unwrap();
        assert_eq!((address.host(), address.port()), ("::1", 7000));
    }

    #[test]
    fn a_url_that_cannot_serve_is_refused_without_its_password() {
        for url in [
            "host=localhost password=hunter2",
            "mysql://me:hunter2@localhost/x",
            "postgres://:hunter2@localhost/x",
            "postgres://me:hunter2@/x",
            "postgres://me:hunter2@a,b/x",
            "postgres://me:hunter2@localhost:port/x",
            "postgres://me:hunter2@localhost/x?dbname=y",
        ] {
            let message = Address::parse(url).unwrap_err().to_string();
            assert!(message.contains("expected postgres://") && !message.contains("hunter2"), "{url}: {message}");
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let address = Address::private(5432, "hunter2", Path::new("/tmp"));
        assert!(!format!("{address:?}").contains("hunter2"));
    }
}
