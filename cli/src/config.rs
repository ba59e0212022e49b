//! The configuration file: TOML in the platform's place.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use polymnia::{ConnectionString, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::failure::file_error;

/// Is what the file may say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigFile {
    /// The namespace to work in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    /// The folder of the application's migrations, from where the file is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) migrations: Option<PathBuf>,
    /// The plugins to load, by absolute paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plugins: Option<Vec<PathBuf>>,
    /// The folder, absolute, of which every plugin is loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plugin_path: Option<PathBuf>,
    /// Whether the dialects of the program are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) only_plugins: Option<bool>,
    /// The database.
    #[serde(default, skip_serializing_if = "Database::is_empty")]
    pub(crate) database: Database,
}

/// Is the section `[database]`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    /// Its URL, which may hold a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// The URL to migrate by, where the other leads through a pooler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) migrate_url: Option<String>,
}

impl Database {
    fn is_empty(&self) -> bool {
        self.url.is_none() && self.migrate_url.is_none()
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hidden = |url: &Option<String>| url.as_deref().map(ConnectionString::from);
        f.debug_struct("Database")
            .field("url", &hidden(&self.url))
            .field("migrate_url", &hidden(&self.migrate_url))
            .finish()
    }
}

impl ConfigFile {
    /// Returns where the file stands unless told otherwise: `polymnia/config.toml` in the user's folder for configuration.
    pub(crate) fn default_path() -> Option<PathBuf> {
        let folder = etcetera::choose_base_strategy().ok()?.config_dir();
        Some(folder.join("polymnia").join("config.toml"))
    }

    /// Reads the file; none if it isn't there.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file_error("configuration file", path, &error)),
        };
        Self::parse(&text).map(Some).map_err(|error| error.with_context("file", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            // The message names the fault and, of an unknown field, its name; `Display` would show the line, password
            // and all.
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1;
            let message = error.message().lines().next().unwrap_or_default();
            let message = if message.starts_with("invalid type") { "a value is of the wrong type" } else { message };
            Error::new(ErrorKind::Config, format!("the configuration can't be read: {message}"))
                .with_context("line", line)
        })
    }

    /// Writes the file beside its place, so that only its owner can read it: whether it can be written shows before
    /// anything else is done, and it is there whole or not at all.
    pub(crate) fn prepare(&self, path: &Path) -> Result<Prepared> {
        let failed = |error: &std::io::Error| file_error("configuration file", path, error);
        let text = toml::to_string(self).expect("a ConfigFile holds nothing that TOML can't");
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| file_error("folder", folder, &error))?;
        // A temporary file has mode 0600 from its creation on.
        let mut file = NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
        file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(|error| failed(&error))?;
        Ok(Prepared { file, path: path.to_owned() })
    }
}

/// Is a file that is written but not yet in its place; it goes when dropped.
#[derive(Debug)]
pub(crate) struct Prepared {
    file: NamedTempFile,
    path: PathBuf,
}

impl Prepared {
    /// Puts the file in its place, over one that may be there.
    pub(crate) fn persist(self) -> Result<()> {
        let Self { file, path } = self;
        file.persist(&path).map_err(|error| file_error("configuration file", &path, &error.error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/config.toml");
        assert_eq!(ConfigFile::read(&path).unwrap(), None);
        let url = Some("postgres://ann:se%20cret@h/d".to_owned());
        let config = ConfigFile {
            namespace: Some("acme".to_owned()),
            migrations: Some("migrations".into()),
            plugins: Some(vec!["/opt/a.so".into(), "/opt/b.so".into()]),
            plugin_path: Some("/opt/plugins".into()),
            only_plugins: Some(true),
            database: Database { migrate_url: url.clone(), url },
        };
        config.prepare(&path).unwrap();
        assert_eq!(ConfigFile::read(&path).unwrap(), None);
        config.prepare(&path).unwrap().persist().unwrap();
        assert_eq!(ConfigFile::read(&path).unwrap(), Some(config));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn faults_name_the_line_and_no_password() {
        for text in [
            "\n[database]\nurl = \"postgres://ann:secret@h/d",
            "\n\nurl = \"postgres://ann:secret@h/d\"",
            "\n[database]\nurl = [\"postgres://ann:secret@h/d\"]",
        ] {
            let error = ConfigFile::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert_eq!(error.context_value("line"), Some("3"), "{error}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
        let config = ConfigFile::parse(
            "[database]\nurl = \"postgres://ann:secret@h/d\"\nmigrate_url = \"postgres://ann:secret@h/d\"",
        )
        .unwrap();
        assert!(!format!("{config:?}").contains("secret"));
    }
}
