//! The two forms of a connection string, and the one that libpq gets.
//!
//! Both are read here and not by libpq, whose complaints about a string it can't read quote parts of it: a password may be
//! among them. What libpq gets is always well-formed.

use std::fmt::Write as _;

use polymnia::{ConnectionString, Error, ErrorKind, Parameters, Result, percent_decode};

/// Reads a URL or keywords into parameters with decoded values; the authority and the path of a URL become `user`,
/// `password`, `host`, `port` and `dbname`.
pub(crate) fn read(text: &ConnectionString) -> Result<Parameters> {
    if text.scheme().is_some() { read_url(text) } else { read_keywords(text.expose()) }
}

/// Reads `host=localhost password='a b'`, as libpq does.
pub(crate) fn read_keywords(text: &str) -> Result<Parameters> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let Some(after) = after.trim_start().strip_prefix('=') else {
            // The name isn't shown: it may be the second half of a password with a space.
            return Err(malformed("a keyword without a value").with_hint("quote a value that holds spaces: name='a b'"));
        };
        let (value, after) = keyword_value(after.trim_start())?;
        if pairs.iter().any(|(other, _)| other == name) {
            return Err(malformed("a keyword that is given twice").with_context("keyword", shown(name)));
        }
        pairs.push((name.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(pairs.into_iter().collect())
}

/// Writes keywords for libpq.
pub(crate) fn write_keywords(pairs: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
        let space = if text.is_empty() { "" } else { " " };
        write!(text, "{space}{name}='{quoted}'").expect("a String takes it");
    }
    text
}

/// Returns the value at the head of `text` and what follows it.
fn keyword_value(text: &str) -> Result<(String, &str)> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, escaped)) => value.push(escaped),
                None => break,
            },
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            c if !quoted && c.is_ascii_whitespace() => return Ok((value, &text[at..])),
            c => value.push(c),
        }
    }
    if quoted { Err(malformed("a quote that isn't closed")) } else { Ok((value, "")) }
}

/// Reads `postgres://user:password@host:port,host:port/database?name=value`, as libpq does.
fn read_url(url: &ConnectionString) -> Result<Parameters> {
    let (base, mut parameters) = url.split_parameters()?;
    let Some((_, rest)) = base.split_once("://") else {
        return Err(malformed("no // after the scheme").with_hint("write postgres://user@host/database"));
    };
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (credentials, hosts) = match authority.rsplit_once('@') {
        Some((credentials, hosts)) => (Some(credentials), hosts),
        None => (None, authority),
    };
    if database.contains('@') || credentials.is_some_and(|text| text.contains('@')) {
        return Err(malformed("an @ or a / too many")
            .with_hint("in the user name and the password write %40 for @, %2F for /, %3A for : and %3F for ?"));
    }
    let mut pairs = Vec::new();
    if let Some(credentials) = credentials {
        let (user, password) = match credentials.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (credentials, None),
        };
        push(&mut pairs, "user", percent_decode(user)?);
        push(&mut pairs, "password", percent_decode(password.unwrap_or_default())?);
    }
    let (hosts, ports) = read_hosts(hosts)?;
    push(&mut pairs, "host", hosts);
    push(&mut pairs, "port", ports);
    push(&mut pairs, "dbname", percent_decode(database)?);
    // A parameter wins over the same thing said before the question mark.
    for (name, value) in parameters.take_rest() {
        pairs.retain(|(other, _)| *other != name);
        pairs.push((name, value));
    }
    Ok(pairs.into_iter().collect())
}

/// Returns hosts and ports as the comma-separated lists that libpq takes, each empty if nothing was said.
fn read_hosts(text: &str) -> Result<(String, String)> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for one in text.split(',') {
        let (host, port) = match one.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) =
                    bracketed.split_once(']').ok_or_else(|| malformed("a [ that isn't closed in the host"))?;
                match after {
                    "" => (host, ""),
                    _ => (host, after.strip_prefix(':').ok_or_else(|| malformed("text after the ] of a host"))?),
                }
            }
            None => one.split_once(':').unwrap_or((one, "")),
        };
        if !port.is_empty() && !port.parse::<u16>().is_ok_and(|number| number > 0) {
            // The text isn't shown: with an unencoded character before it, it may be a part of the password.
            let hint = "in the user name and the password write %40 for @, %2F for /, %3A for : and %3F for ?";
            return Err(malformed("a port that is no number from 1 to 65535").with_hint(hint));
        }
        hosts.push(percent_decode(host)?);
        ports.push(port);
    }
    let said = |parts: bool, text: String| if parts { text } else { String::new() };
    let any_host = hosts.iter().any(|host| !host.is_empty());
    let any_port = ports.iter().any(|port| !port.is_empty());
    // Several hosts stay a list even if all are empty: each means the default.
    let several = hosts.len() > 1;
    Ok((said(any_host || several, hosts.join(",")), said(any_port, ports.join(","))))
}

fn push(pairs: &mut Vec<(String, String)>, name: &str, value: String) {
    if !value.is_empty() {
        pairs.push((name.to_owned(), value));
    }
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Config, format!("the database URL can't be read: it has {what}"))
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        read(&ConnectionString::new(text)).unwrap().take_rest()
    }

    fn written(text: &str) -> String {
        write_keywords(&pairs(text))
    }

    #[test]
    fn urls() {
        for (url, expected) in [
            ("postgres://", ""),
            ("postgresql:///app", "dbname='app'"),
            ("postgres://ann@/app", "user='ann' dbname='app'"),
            (
                "POSTGRES://ann:s%40%27cret@db.example.com:5433/app",
                r"user='ann' password='s@\'cret' host='db.example.com' port='5433' dbname='app'",
            ),
            ("postgres://a:1,b,[::1]:3/app", "host='a,b,::1' port='1,,3' dbname='app'"),
            ("postgres://%2Fvar%2Frun/app", "host='/var/run' dbname='app'"),
            ("postgres:///app?host=/var/run&user=ann", "dbname='app' host='/var/run' user='ann'"),
            ("postgres://ann@a/app?user=bob", "host='a' dbname='app' user='bob'"),
            ("postgres://,b/app", "host=',b' dbname='app'"),
            ("postgres://a/d%2Fe%3F", "host='a' dbname='d/e?'"),
        ] {
            assert_eq!(written(url), expected, "{url}");
        }
    }

    #[test]
    fn keywords() {
        for (text, expected) in [
            ("host=localhost dbname=app", "host='localhost' dbname='app'"),
            (" host = a  password='a b' user=u ", "host='a' password='a b' user='u'"),
            (r"password='it\'s' user=a\ b", r"password='it\'s' user='a b'"),
            ("password=''", "password=''"),
            ("host=", "host=''"),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
    }

    #[test]
    fn what_can_t_be_read_is_not_quoted() {
        for text in [
            "postgres:Zq7",
            "postgres://u:Zq7/x@h/d",
            "postgres://u:1/Zq7@h/d",
            "postgres://u:a@Zq7@h/d",
            "postgres://u:Zq7%@h/d",
            "postgres://u:Zq7%zz@h/d",
            "postgres://u:[Zq7",
            "postgres://[::1/Zq7",
            "postgres://u:p@h:Zq7/d",
            "host=a password=x Zq7",
            "host=a password='Zq7",
            "password=a password=Zq7",
        ] {
            let error = read(&ConnectionString::new(text)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{text}");
            assert!(!format!("{error} {error:?}").contains("Zq7"), "{text}: {error:?}");
        }
    }
}
