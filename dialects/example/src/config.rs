//! What a URL says.

use std::time::Duration;

use polymnia::{Error, ErrorKind, OpenOptions, Result, Settings};

use crate::NAME;

/// Is what applies once the URL and the options are put together.
#[derive(Debug)]
pub(crate) struct Config {
    /// Which database.
    pub(crate) name: String,
    /// How long one operation may take.
    pub(crate) statement_timeout: Duration,
}

impl Config {
    /// Reads `mem-example://NAME?statement_timeout=5s`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a name that is none, and for a parameter that is not known.
    pub(crate) fn read(options: &OpenOptions) -> Result<Self> {
        let (base, mut parameters) = options.url().split_parameters()?;
        let name = base.split_once("://").map_or("", |(_scheme, name)| name);
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || !name.chars().all(allowed) {
            let message = format!("the database URL is not {NAME}://NAME: expected a name of letters, digits, - and _");
            return Err(Error::new(ErrorKind::Config, message));
        }
        let settings = options.resolve(&mut parameters)?;
        parameters.finish(&Settings::PARAMETERS)?;
        Ok(Self { name: name.to_owned(), statement_timeout: settings.statement_timeout })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_what_every_dialect_knows() {
        let config =
            Config::read(&OpenOptions::new("mem-example://a-1?statement_timeout=250ms&pool_max_size=3")).unwrap();
        assert_eq!((config.name.as_str(), config.statement_timeout), ("a-1", Duration::from_millis(250)));
    }

    #[test]
    fn anything_else_is_refused() {
        for url in [
            "mem-example:",
            "mem-example://",
            "mem-example://a/b",
            "mem-example://a?x=1",
            "mem-example://a?pool_max_size",
        ] {
            assert_eq!(Config::read(&OpenOptions::new(url)).unwrap_err().kind(), ErrorKind::Config, "{url}");
        }
    }
}
