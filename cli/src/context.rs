//! What every verb works with: settings, the way to the database, and where results go.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use polymnia::spi::Dialect;
use polymnia::{
    ConnectionString, Error, ErrorKind, MemoryStore, Namespace, OpenOptions, PoolOptions, Registry, Result,
};

use crate::args::{Format, GlobalArgs};
use crate::interrupt;
use crate::output::{Out, Paint, block, tell};
use crate::plugins::{self, Dialects};
use crate::settings::{ConfigNeed, Settings, Source};

/// Is one run of a verb.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) format: Format,
    pub(crate) quiet: bool,
    /// Whether more is to be told than the results.
    pub(crate) verbose: bool,
    /// How standard error is coloured.
    pub(crate) paint: Paint,
    pub(crate) out: Out,
    dialects: OnceLock<Dialects>,
}

/// Says what to do about a database that isn't there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is an error, and no file is left behind.
    Refuse,
    /// It is created, if the dialect can.
    Create,
}

/// Says what Ctrl-C does to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnInterrupt {
    Cancel,
    /// The operation ends first.
    Finish,
}

impl Context {
    /// Puts the settings together.
    pub(crate) fn new(global: &GlobalArgs, need: ConfigNeed, paint: Paint, out: Out) -> Result<Self> {
        let settings = Settings::resolve(global, need)?;
        let GlobalArgs { format, quiet, verbose, .. } = *global;
        Ok(Self { settings, format, quiet, verbose: verbose > 0, paint, out, dialects: OnceLock::new() })
    }

    /// Opens the database that the settings name, which must be there.
    pub(crate) fn open(&self) -> Result<MemoryStore> {
        self.open_url(&self.settings.database_url.value, Missing::Refuse, OnInterrupt::Cancel)
    }

    /// Opens a database with one connection.
    pub(crate) fn open_url(
        &self,
        url: &ConnectionString,
        missing: Missing,
        on_interrupt: OnInterrupt,
    ) -> Result<MemoryStore> {
        let mut options = OpenOptions::new(url.clone()).with_pool(PoolOptions::single());
        if let Some(timeout) = self.settings.timeout {
            options = options.with_statement_timeout(timeout).with_connect_timeout(timeout);
        }
        let dialect = self.dialect_for(url)?;
        if missing == Missing::Refuse {
            self.refuse_missing(dialect, &options)?;
        }
        let started = Instant::now();
        let store = self.registry()?.open_with(&options).map_err(|error| self.name_source(url, error))?;
        log::info!("opened {url} in {:?}", started.elapsed());
        let store = match self.settings.timeout {
            Some(timeout) => store.with_timeout(timeout),
            None => store,
        };
        Ok(match on_interrupt {
            OnInterrupt::Cancel => store.with_cancel(interrupt::token()),
            OnInterrupt::Finish => store,
        })
    }

    /// Returns the dialects: those of this program and those of plugins, which are loaded now.
    pub(crate) fn registry(&self) -> Result<&Registry> {
        Ok(&self.dialects()?.registry)
    }

    /// Returns the dialect of a URL.
    pub(crate) fn dialect_for(&self, url: &ConnectionString) -> Result<&dyn Dialect> {
        let dialects = self.dialects()?;
        let found = dialects.registry.dialect_for(url);
        found.map_err(|error| self.name_source(url, dialects.explain_lack(self.without_dialect(url, error))))
    }

    fn dialects(&self) -> Result<&Dialects> {
        if let Some(dialects) = self.dialects.get() {
            return Ok(dialects);
        }
        let dialects = Dialects::load(self)?;
        Ok(self.dialects.get_or_init(|| dialects))
    }

    /// Returns the namespace to work in.
    pub(crate) fn namespace(&self) -> Namespace {
        self.settings.namespace.value.clone()
    }

    /// Returns the options of every verb that a command needs to go on from this one. A password in the URL is left out.
    pub(crate) fn options(&self) -> Vec<String> {
        let Settings { database_url, namespace, config_path, .. } = &self.settings;
        let mut options = Vec::new();
        let mut push = |source: Source, value: String| {
            if let Source::Option(name) = source {
                options.extend([name.to_owned(), value]);
            }
        };
        if let Some(path) = config_path {
            push(path.source, path.value.display().to_string());
        }
        push(database_url.source, database_url.value.to_string());
        push(namespace.source, namespace.value.to_string());
        options.extend(self.plugin_options());
        options
    }

    /// Returns the options about plugins that were given.
    pub(crate) fn plugin_options(&self) -> Vec<String> {
        let Settings { plugins, plugin_path, only_plugins, allow_insecure_plugin, .. } = &self.settings;
        let is_option = |source| matches!(source, Source::Option(_));
        let mut options = Vec::new();
        for plugin in plugins.value.iter().filter(|_| is_option(plugins.source)) {
            options.extend(["--plugin".to_owned(), plugin.display().to_string()]);
        }
        if let Some(folder) = plugin_path.as_ref().filter(|folder| is_option(folder.source)) {
            options.extend(["--plugin-path".to_owned(), folder.value.display().to_string()]);
        }
        options.extend(is_option(only_plugins.source).then(|| "--only-plugins".to_owned()));
        options.extend(allow_insecure_plugin.then(|| "--allow-insecure-plugin".to_owned()));
        options
    }

    /// Tells something on standard error that is neither result nor error, unless quiet.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            tell(&format!("{}\n", self.paint.dim(&block(text.as_ref()))));
        }
    }

    /// Tells on standard error what went wrong and did not end the run, unless quiet.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        if !self.quiet {
            tell(&format!("{} {}\n", self.paint.command("warning:"), block(text.as_ref())));
        }
    }

    /// A dialect may create what isn't there; only `init`, `setup` and `demo` are to.
    pub(crate) fn refuse_missing(&self, dialect: &dyn Dialect, options: &OpenOptions) -> Result<()> {
        let url = options.url();
        let files = dialect.claims(options).map_err(|error| self.name_source(url, error.with_operation("connect")))?;
        match files.first() {
            Some(file) if !exists(file) => {
                let message = format!("database file {} isn't there", file.display());
                let error = Error::new(ErrorKind::NotFound, message)
                    .with_operation("connect")
                    .with_hint("create it with `polymnia init`, or name another with --database-url");
                Err(self.name_source(url, error))
            }
            _ => Ok(()),
        }
    }

    /// Says what to do where no dialect opens a URL.
    fn without_dialect(&self, url: &ConnectionString, error: Error) -> Error {
        let setting = &self.settings.database_url;
        let message = match (url.scheme(), setting.source) {
            (Some(scheme), Source::Default) if setting.value == *url => {
                format!("no database is named, and no dialect is there for the default, {url}: scheme {scheme:?}")
            }
            _ => return error.with_hint(plugins::HINT),
        };
        let hint = "name a database with --database-url, or a plugin that opens this one with --plugin";
        Error::new(error.kind(), message).with_operation("connect").with_hint(hint)
    }

    /// Says where the URL comes from, when that isn't in plain sight.
    fn name_source(&self, url: &ConnectionString, error: Error) -> Error {
        let setting = &self.settings.database_url;
        let in_plain_sight = matches!(setting.source, Source::Option(_) | Source::Default);
        if in_plain_sight || setting.value != *url {
            return error;
        }
        error.with_context("database URL from", setting.source)
    }
}

/// A file that can't be looked at may be there: opening it says more.
fn exists(file: &Path) -> bool {
    file.try_exists().unwrap_or(true)
}
