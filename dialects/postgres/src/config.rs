//! What a connection string and the options come to.

use std::fmt;
use std::time::Duration;

use polymnia::{ConnectionString, Error, ErrorKind, OpenOptions, Parameters, Result, Settings};

use crate::conninfo;

/// Is how to connect, and what applies to the connections.
pub(crate) struct Config {
    /// For libpq: names and values. Holds the password.
    pub(crate) pairs: Vec<(String, String)>,
    /// What every dialect knows.
    pub(crate) settings: Settings,
    /// Who keeps the server's sessions.
    pub(crate) sessions: Sessions,
    /// The password in every form it may show up in.
    pub(crate) secrets: Vec<String>,
}

/// Says whether a connection is a session of the server's for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sessions {
    /// One connection is one session: settings and prepared statements last.
    Own,
    /// A pooler gives a session out for a transaction (`prepared_statements=off`): nothing lasts longer, and what is to
    /// hold is said in each transaction anew.
    Shared,
}

/// How long a transaction may stand idle before the server ends it. Ours never wait for anything but the server, so this
/// frees the locks of a process that was stopped or cut off.
pub(crate) const IDLE_IN_TRANSACTION: Duration = Duration::from_mins(1);

/// What libpq knows and a store has a use for. Not among them: `connect_timeout`, which is ours, `client_encoding`, which is
/// always UTF-8, `replication`, and what writes secrets to a file (`sslkeylogfile`).
const LIBPQ: [&str; 46] = [
    "application_name",
    "channel_binding",
    "dbname",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "options",
    "passfile",
    "password",
    "port",
    "require_auth",
    "requirepeer",
    "scram_client_key",
    "scram_server_key",
    "service",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];
const SECRETS: [&str; 5] = ["password", "oauth_client_secret", "sslpassword", "scram_client_key", "scram_server_key"];

impl Config {
    /// Puts the URL, the options and the defaults together.
    pub(crate) fn read(options: &OpenOptions) -> Result<Self> {
        let mut parameters = conninfo::read(options.url())?;
        let settings = options.resolve(&mut parameters)?;
        let sessions = match parameters.take("prepared_statements").as_deref() {
            None | Some("on") => Sessions::Own,
            Some("off") => Sessions::Shared,
            Some(_) => {
                let message = "prepared_statements has a value that can't be read: expected on or off";
                return Err(Error::new(ErrorKind::Config, message));
            }
        };
        check_encoding(&mut parameters)?;
        let ssl = parameters.take("ssl");
        let mut pairs: Vec<(String, String)> = Vec::new();
        for name in LIBPQ {
            if let Some(value) = parameters.take(name) {
                pairs.push((name.to_owned(), value));
            }
        }
        finish(parameters)?;
        if pairs.iter().any(|(_, value)| value.contains('\0')) {
            return Err(Error::new(ErrorKind::Config, "the database URL holds a NUL character"));
        }
        match ssl.as_deref() {
            None => {}
            // As libpq has it, for URLs written for JDBC.
            Some("true") => set_default(&mut pairs, "sslmode", "require"),
            Some(_) => return Err(Error::new(ErrorKind::Config, "ssl has a value that is not true: use sslmode")),
        }
        crate::tls::apply(&mut pairs)?;
        let secrets = secrets(options.url(), &pairs);
        complete(&mut pairs, &settings, sessions);
        Ok(Self { pairs, settings, sessions, secrets })
    }

    /// Returns what libpq connects by. Holds the password.
    pub(crate) fn conninfo(&self) -> String {
        conninfo::write_keywords(&self.pairs)
    }

    /// Returns what libpq connects by, with another value for one name. Holds the password.
    pub(crate) fn conninfo_with(&self, name: &str, value: &str) -> String {
        conninfo::write_keywords(&self.with(name, value).pairs)
    }

    /// Returns how to connect with another value for one name.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let others = self.pairs.iter().filter(|(other, _)| other != name).cloned();
        Self {
            pairs: others.chain([(name.to_owned(), value.to_owned())]).collect(),
            settings: self.settings,
            sessions: self.sessions,
            secrets: self.secrets.clone(),
        }
    }

    /// Returns what a program of PostgreSQL's connects by, which others may see, and the password, which they may not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if there is another secret, for which such a program has no other place.
    pub(crate) fn for_programs(&self) -> Result<(String, Option<&str>)> {
        let (secret, open): (Vec<_>, Vec<_>) =
            self.pairs.iter().cloned().partition(|(name, _)| SECRETS.contains(&name.as_str()));
        if let Some((name, _)) = secret.iter().find(|(name, _)| name != "password") {
            let message = format!("{name} in the database URL can't be handed to pg_dump without showing it to others");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        Ok((conninfo::write_keywords(&open), self.value("password")))
    }

    /// Returns the value that libpq gets for this name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find_map(|(other, value)| (other == name).then_some(value.as_str()))
    }

    /// Returns whether the text is keywords for libpq, at least one of them known.
    pub(crate) fn recognizes(text: &ConnectionString) -> bool {
        let known = |name: &str| known_names().any(|known| known == name);
        text.scheme().is_none()
            && conninfo::read_keywords(text.expose())
                .is_ok_and(|mut parameters| parameters.take_rest().iter().any(|(name, _)| known(name)))
    }

    /// Replaces every form of the password in a text that came from libpq or the server.
    pub(crate) fn scrub(&self, text: &str) -> String {
        scrub(&self.secrets, text)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pairs: _, settings, sessions, secrets: _ } = self;
        f.debug_struct("Config").field("settings", settings).field("sessions", sessions).finish_non_exhaustive()
    }
}

fn scrub(secrets: &[String], text: &str) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
}

fn known_names() -> impl Iterator<Item = &'static str> {
    LIBPQ.into_iter().chain(Settings::PARAMETERS).chain(["client_encoding", "prepared_statements", "ssl"])
}

fn finish(parameters: Parameters) -> Result<()> {
    let mut known: Vec<&str> = known_names().collect();
    known.sort_unstable();
    parameters.finish(&known)
}

fn check_encoding(parameters: &mut Parameters) -> Result<()> {
    match parameters.take("client_encoding") {
        Some(value) if !["utf8", "utf-8", "auto"].iter().any(|known| value.eq_ignore_ascii_case(known)) => {
            Err(Error::new(ErrorKind::Config, "client_encoding is not UTF8: expected UTF8, or nothing"))
        }
        _ => Ok(()),
    }
}

/// Adds what a good client says, where the user said nothing.
fn complete(pairs: &mut Vec<(String, String)>, settings: &Settings, sessions: Sessions) {
    // libpq raises a limit of one second to two by itself.
    let seconds = settings.connect_timeout.as_millis().div_ceil(1_000).max(2);
    pairs.push(("connect_timeout".to_owned(), seconds.to_string()));
    pairs.push(("client_encoding".to_owned(), "UTF8".to_owned()));
    set_default(pairs, "fallback_application_name", "polymnia");
    // The statement timeout is the server's own. A server that is gone is noticed by these, within a minute.
    set_default(pairs, "keepalives_idle", "30");
    set_default(pairs, "keepalives_interval", "10");
    set_default(pairs, "keepalives_count", "3");
    set_default(pairs, "tcp_user_timeout", "60000");
    if sessions == Sessions::Own {
        let ours = format!(
            "-c statement_timeout={} -c idle_in_transaction_session_timeout={}",
            millis(Some(settings.statement_timeout)),
            IDLE_IN_TRANSACTION.as_millis()
        );
        // libpq would read the variable if we said nothing.
        set_default(pairs, "options", &std::env::var("PGOPTIONS").unwrap_or_default());
        for (_, given) in pairs.iter_mut().filter(|(name, _)| name == "options") {
            let space = if given.is_empty() { "" } else { " " };
            given.push_str(space);
            given.push_str(&ours);
        }
    }
}

/// Returns a limit as the server's settings take it: in milliseconds, of 31 bits, where 0 is never.
pub(crate) fn millis(limit: Option<Duration>) -> u128 {
    limit.map_or(0, |limit| limit.as_millis().clamp(1, 2_147_483_647))
}

/// Adds a parameter unless it is given.
pub(crate) fn set_default(pairs: &mut Vec<(String, String)>, name: &str, value: &str) {
    if !pairs.iter().any(|(other, _)| other == name) {
        pairs.push((name.to_owned(), value.to_owned()));
    }
}

/// Returns the secrets as they are and as they stand in the URL, longest first, so that none hides a part of another.
fn secrets(url: &ConnectionString, pairs: &[(String, String)]) -> Vec<String> {
    let mut secrets: Vec<String> = pairs
        .iter()
        .filter(|(name, _)| SECRETS.contains(&name.as_str()))
        .map(|(_, value)| value.clone())
        .chain(std::env::var("PGPASSWORD"))
        .collect();
    if url.scheme().is_some() {
        let text = url.expose();
        let userinfo = text.split_once("://").and_then(|(_, rest)| rest.split(['/', '?']).next()?.rsplit_once('@'));
        if let Some((_, encoded)) = userinfo.and_then(|(userinfo, _)| userinfo.split_once(':')) {
            secrets.push(encoded.to_owned());
        }
        let parameters = text.split_once('?').map_or("", |(_, query)| query).split('&');
        secrets.extend(parameters.filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            SECRETS.contains(&name).then(|| value.to_owned())
        }));
    }
    let quoted: Vec<String> = secrets.iter().map(|secret| secret.replace('\\', "\\\\").replace('\'', "\\'")).collect();
    secrets.extend(quoted);
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    secrets.dedup();
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        Config::read(&OpenOptions::new(text))
    }

    #[test]
    fn ours_is_taken_out_and_libpq_s_passed_on() {
        let config = read(
            "postgres://ann:p%40ss@a:1,b:2/app?pool_max_size=3&statement_timeout=5s&connect_timeout=1500ms&\
             application_name=bot&options=-c%20work_mem%3D8MB",
        )
        .unwrap();
        assert_eq!(config.settings.max_size, 3);
        assert_eq!(
            config.conninfo(),
            "application_name='bot' dbname='app' host='a,b' \
             options='-c work_mem=8MB -c statement_timeout=5000 -c idle_in_transaction_session_timeout=60000' \
             password='p@ss' port='1,2' user='ann' connect_timeout='2' client_encoding='UTF8' \
             fallback_application_name='polymnia' keepalives_idle='30' keepalives_interval='10' keepalives_count='3' \
             tcp_user_timeout='60000'"
        );
    }

    #[test]
    fn both_forms_mean_the_same() {
        let url = read("postgres://ann@/app?host=/run/x&pool_max_size=2").unwrap();
        let keywords = read("user=ann dbname=app host=/run/x pool_max_size=2").unwrap();
        assert_eq!(url.conninfo(), keywords.conninfo());
        assert_eq!(url.settings, keywords.settings);
    }

    #[test]
    fn limits_fit_the_server() {
        let config = read("postgres://h/d?statement_timeout=8000h").unwrap();
        assert!(config.conninfo().contains("statement_timeout=2147483647"), "{}", config.conninfo());
        assert_eq!(millis(None), 0);
        assert_eq!(millis(Some(Duration::from_nanos(1))), 1);
    }

    #[test]
    fn a_pooler_gets_no_startup_options() {
        let config = read("postgres://h/d?prepared_statements=off").unwrap();
        assert_eq!(config.sessions, Sessions::Shared);
        assert!(!config.conninfo().contains("options"), "{}", config.conninfo());
        assert!(read("postgres://h/d?prepared_statements=maybe").is_err());
    }

    #[test]
    fn what_nobody_knows_is_refused_by_name() {
        for text in ["postgres://h/d?pool_size=3", "host=h pool_size=3"] {
            let error = read(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.message().contains("unknown parameter \"pool_size\""), "{error}");
        }
        for text in ["postgres://h?replication=true", "postgres://h?client_encoding=LATIN1", "postgres://h?ssl=no"] {
            assert_eq!(read(text).unwrap_err().kind(), ErrorKind::Config, "{text}");
        }
    }

    #[test]
    fn keywords_are_recognized_by_a_known_one() {
        for (text, expected) in [
            ("host=localhost", true),
            ("dbname = app password='a:b c'", true),
            ("prepared_statements=off", true),
            (":memory:", false),
            ("/tmp/a.db", false),
            ("name=value", false),
            ("host", false),
            ("", false),
            ("postgres://h", false),
        ] {
            assert_eq!(Config::recognizes(&ConnectionString::new(text)), expected, "{text}");
        }
    }

    #[test]
    fn passwords_are_scrubbed_in_every_form() {
        let config = read("postgres://u:s%3Acr'et@h/d?sslpassword=k%65y").unwrap();
        let text = "a s:cr'et b s%3Acr'et c s:cr\\'et d key e k%65y f";
        assert_eq!(config.scrub(text), "a *** b *** c *** d *** e *** f");
        assert!(!format!("{config:?}").contains("cr'et"));
        assert_eq!(read("host=h password=secret").unwrap().scrub("x secret y"), "x *** y");
    }
}
