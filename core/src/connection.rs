//! Connection strings: their scheme, their parameters, and how to show them without a password.

use std::fmt;

use percent_encoding::percent_decode_str;

use crate::{Error, ErrorKind, Result};

/// Is a database URL or another form of connection string that a dialect reads. May hold a password: `Debug` and
/// `Display` leave it out.
///
/// # Examples
///
/// ```
/// use polymnia::ConnectionString;
///
/// let url = ConnectionString::new("postgres://ann:secret@db.example.com/app?application_name=bot");
/// assert_eq!(url.scheme(), Some("postgres"));
/// assert_eq!(url.to_string(), "postgres://ann:***@db.example.com/app?application_name=bot");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionString(String);

/// Parameters whose value is shown as `***`. Names are compared without case.
const SECRETS: [&str; 5] = ["password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"];

impl ConnectionString {
    /// Wraps the text; what it means is for the dialect to say.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the whole text, password included. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns what stands before the first `:` of a URL, if it has the form of a scheme (RFC 3986, section 3.1).
    ///
    /// `:memory:` and `host=localhost` have none.
    pub fn scheme(&self) -> Option<&str> {
        let (scheme, _) = self.0.split_once(':')?;
        let mut bytes = scheme.bytes();
        let first = bytes.next()?;
        let rest_allowed = bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        (first.is_ascii_alphabetic() && rest_allowed).then_some(scheme)
    }

    /// Splits a URL at its first `?` into what stands before and the percent-decoded parameters after.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a parameter without `=`, given twice, or not UTF-8 once decoded.
    pub fn split_parameters(&self) -> Result<(&str, Parameters)> {
        match self.0.split_once('?') {
            None => Ok((&self.0, Parameters::default())),
            Some((base, query)) => Ok((base, Parameters::parse(query)?)),
        }
    }

    fn redacted(&self) -> String {
        if self.scheme().is_some() { redact_url(&self.0) } else { redact_keywords(&self.0) }
    }
}

impl From<&str> for ConnectionString {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for ConnectionString {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for ConnectionString {
    /// Writes the text with passwords as `***`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl fmt::Debug for ConnectionString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.redacted(), f)
    }
}

/// Is the parameters of a URL, each to be taken by whoever knows it; what is left over is an error.
///
/// `Debug` shows the names only.
#[derive(Clone, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn parse(query: &str) -> Result<Self> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let Some((name, value)) = pair.split_once('=') else {
                let message = format!("parameter {:?} of the database URL has no value", shown(pair));
                return Err(Error::new(ErrorKind::Config, message));
            };
            let name = decode(name)?;
            if parameters.iter().any(|(other, _)| *other == name) {
                let message = format!("parameter {:?} of the database URL is given twice", shown(&name));
                return Err(Error::new(ErrorKind::Config, message));
            }
            parameters.push((name, decode(value)?));
        }
        Ok(Self(parameters))
    }

    /// Removes and returns the parameter of that name.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.remove(at).1)
    }

    /// Removes and returns all parameters that are left, in their order.
    pub fn take_rest(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.0)
    }

    /// Refuses parameters that nobody took.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming the first one and the known ones.
    pub fn finish(self, known: &[&str]) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Error::new(
                ErrorKind::Config,
                format!(
                    "unknown parameter {:?} in the database URL: expected one of {}",
                    shown(name),
                    known.join(", ")
                ),
            )),
        }
    }
}

impl FromIterator<(String, String)> for Parameters {
    /// Collects names and decoded values, for dialects that read forms other than URLs.
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Decodes `%41` and the like.
///
/// # Errors
///
/// [`ErrorKind::Config`] if a `%` isn't followed by two hexadecimal digits, or the result isn't UTF-8.
pub fn decode(text: &str) -> Result<String> {
    let malformed = text.match_indices('%').any(|(at, _)| {
        !text.as_bytes().get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if malformed {
        let message =
            "the database URL holds a % that two hexadecimal digits don't follow: write %25 for a percent sign";
        return Err(Error::new(ErrorKind::Config, message));
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(Error::new(ErrorKind::Config, "the database URL is not UTF-8 once percent-decoded")),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Hides too much rather than too little: a password may hold any character that its owner forgot to encode.
fn redact_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return redact_query(url);
    };
    match rest.rsplit_once('@') {
        Some((userinfo, host)) => {
            let shown = match userinfo.split_once(':') {
                Some((user, _)) => format!("{user}:***"),
                None => userinfo.to_owned(),
            };
            format!("{scheme}://{shown}@{}", redact_query(host))
        }
        None => format!("{scheme}://{}", redact_query(rest)),
    }
}

fn redact_query(text: &str) -> String {
    let Some((base, query)) = text.split_once('?') else { return text.to_owned() };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(&decode(name).unwrap_or_default()) => format!("{name}=***"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{base}?{}", pairs.join("&"))
}

/// Keyword forms (`host=localhost password='a b'`) quote in ways of their own: from the first secret on, nothing is shown.
fn redact_keywords(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let first = SECRETS.iter().filter_map(|name| lower.find(name).map(|at| at + name.len())).min();
    match first {
        Some(end) => format!("{}=***", &text[..end]),
        None => text.to_owned(),
    }
}

fn is_secret(name: &str) -> bool {
    SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn schemes() {
        for (text, scheme) in [
            ("sqlite://polymnia.db", Some("sqlite")),
            ("postgresql://a,b/c", Some("postgresql")),
            (":memory:", None),
            ("host=localhost dbname=a", None),
            ("/tmp/a.db", None),
        ] {
            assert_eq!(ConnectionString::new(text).scheme(), scheme, "{text}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        for (text, expected) in [
            ("postgres://u:p@h/d", "postgres://u:***@h/d"),
            ("postgres://u:p@w@/x?y@h:5432/d", "postgres://u:***@h:5432/d"),
            ("postgres://u@h/d?password=p&user=u", "postgres://u@h/d?password=***&user=u"),
            ("postgres:///d?p%61ssword=p", "postgres:///d?p%61ssword=***"),
            ("postgres:?password=p", "postgres:?password=***"),
            ("host=h password='p q' user=u", "host=h password=***"),
            ("sqlite://a.db?mode=ro", "sqlite://a.db?mode=ro"),
        ] {
            assert_eq!(ConnectionString::new(text).to_string(), expected);
            assert_eq!(format!("{:?}", ConnectionString::new(text)), format!("{expected:?}"));
        }
    }

    #[test]
    fn parameters_are_taken_one_by_one() {
        let url = ConnectionString::new("sqlite://a?mode=r%6f&x%20y=1");
        let (base, mut parameters) = url.split_parameters().unwrap();
        assert_eq!(base, "sqlite://a");
        assert_eq!(parameters.take("mode").as_deref(), Some("ro"));
        let error = parameters.finish(&["mode"]).unwrap_err();
        assert_eq!(error.to_string(), "unknown parameter \"x y\" in the database URL: expected one of mode");
        for wrong in ["s://a?mode", "s://a?m=1&m=2", "s://a?m=%zz", "s://a?m=%f", "s://a?m=%ff"] {
            assert!(ConnectionString::new(wrong).split_parameters().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_password_is_ever_shown(password in "[^:]{1,12}Zq7", query in "[a-z]{0,5}") {
            for text in [
                format!("postgres://u:{password}@h/d?{query}=1"),
                format!("host=h password={password}"),
                format!("host=h password = '{password}' dbname=d"),
            ] {
                prop_assert!(!ConnectionString::new(text).to_string().contains("Zq7"));
            }
        }
    }
}
