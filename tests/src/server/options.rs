//! How a private server is configured.

use std::fmt::Write as _;

/// Settings of a private server, over defaults made for tests: quick to start, and not durable.
///
/// # Examples
///
/// ```no_run
/// use polymnia_tests::server::{Server, ServerOptions};
///
/// let options = ServerOptions::durable().with_setting("work_mem", "16MB");
/// let server = Server::start(&options).expect("a PostgreSQL is installed");
/// ```
#[derive(Debug, Clone)]
pub struct ServerOptions {
    settings: Vec<(String, String)>,
    lc_messages: Option<String>,
}

impl ServerOptions {
    /// Settings of a server that writes to disk as one in production does, for benchmarks.
    pub fn durable() -> Self {
        Self::default()
            .with_setting("fsync", "on")
            .with_setting("synchronous_commit", "on")
            .with_setting("full_page_writes", "on")
    }

    /// Adds a line of `postgresql.conf`; the last value of a name wins.
    ///
    /// The value is quoted here; the name has to be one that the server knows, or the server does not start.
    #[must_use]
    pub fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Makes the server speak another language, such as `de_DE.UTF-8`.
    ///
    /// A locale that this machine lacks is compiled with `localedef` for this server alone. Starting fails when the server
    /// was built without translations (the Python wheel was), so that a test in another language never runs in English.
    #[must_use]
    pub fn with_lc_messages(mut self, locale: &str) -> Self {
        self.lc_messages = Some(locale.to_owned());
        self
    }

    pub(super) fn lc_messages(&self) -> Option<&str> {
        self.lc_messages.as_deref()
    }

    /// The lines to append to `postgresql.conf`.
    pub(super) fn configuration(&self) -> String {
        let Self { settings, lc_messages } = self;
        let language = lc_messages.as_ref().map(|locale| ("lc_messages", locale.as_str()));
        let mut lines = String::new();
        for (name, value) in settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(language) {
            writeln!(lines, "{name} = '{}'", value.replace('\'', "''")).expect("writing to a string does not fail");
        }
        lines
    }
}

impl Default for ServerOptions {
    /// Settings for tests: nothing survives a crash of the machine, and 300 connections fit.
    fn default() -> Self {
        Self { settings: Vec::new(), lc_messages: None }
            .with_setting("listen_addresses", "127.0.0.1")
            .with_setting("max_connections", "300")
            .with_setting("shared_buffers", "64MB")
            .with_setting("log_destination", "stderr")
            .with_setting("logging_collector", "off")
            .with_setting("fsync", "off")
            .with_setting("full_page_writes", "off")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_and_come_after_the_defaults() {
        let text = ServerOptions::durable().with_setting("cluster_name", "it's").with_lc_messages("C").configuration();
        assert!(text.ends_with("cluster_name = 'it''s'\nlc_messages = 'C'\n"), "{text}");
        assert!(text.find("fsync = 'off'") < text.find("fsync = 'on'"), "{text}");
    }
}
