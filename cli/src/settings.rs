//! Which database, which namespace: what applies, and where it comes from.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use polymnia::{ConnectionString, Error, ErrorKind, Namespace, Result, parse_duration};

use crate::args::GlobalArgs;
use crate::config::ConfigFile;
use crate::dialects::DEFAULT_URL;
use crate::failure::OfOption as _;

/// The namespace unless given.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// Is what applies.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) database_url: Setting<ConnectionString>,
    pub(crate) namespace: Setting<Namespace>,
    pub(crate) timeout: Option<Duration>,
    /// The URL to migrate by, unless an option says otherwise.
    pub(crate) migrate_url: Option<Setting<ConnectionString>>,
    /// The folder of the application's migrations, unless an option says otherwise.
    pub(crate) migrations: Option<Setting<PathBuf>>,
    /// The plugins to load.
    pub(crate) plugins: Setting<Vec<PathBuf>>,
    /// The folder of which every plugin is loaded.
    pub(crate) plugin_path: Option<Setting<PathBuf>>,
    /// Whether the dialects of this program are left out.
    pub(crate) only_plugins: Setting<bool>,
    /// Whether plugins are loaded that others can write to.
    pub(crate) allow_insecure_plugin: bool,
    /// Where the configuration file is, or would be.
    pub(crate) config_path: Option<Setting<PathBuf>>,
    /// What the file says, if it is there.
    pub(crate) config_file: Option<ConfigFile>,
}

/// Is a value and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) source: Source,
}

/// Is where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Option(&'static str),
    Variable(&'static str),
    ConfigFile,
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) => write!(f, "option {name}"),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::ConfigFile => f.write_str("configuration file"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Says whether a configuration file that was named must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfigNeed {
    Required,
    /// It is about to be written.
    Optional,
}

impl Settings {
    /// Puts options, variables, configuration file and defaults together, in that order.
    pub(crate) fn resolve(global: &GlobalArgs, need: ConfigNeed) -> Result<Self> {
        Self::resolve_with(global, need, &|name| env::var_os(name))
    }

    fn resolve_with(
        global: &GlobalArgs,
        need: ConfigNeed,
        variable: &dyn Fn(&'static str) -> Option<OsString>,
    ) -> Result<Self> {
        let config_path = config_path(global, variable);
        let config_file = match &config_path {
            None => None,
            Some(path) => {
                let file = ConfigFile::read(&path.value)?;
                if file.is_none() && need == ConfigNeed::Required && path.source != Source::Default {
                    let message = format!("configuration file {} isn't there", path.value.display());
                    return Err(Error::new(ErrorKind::Config, message)
                        .with_context("from", path.source)
                        .with_hint("write it with `polymnia setup`, which takes the same --config"));
                }
                file
            }
        };
        let in_file = config_file.clone().unwrap_or_default();

        let database_url = first(
            [
                from_option("--database-url", global.database_url.as_deref()),
                from_variable("POLYMNIA_DATABASE_URL", variable)?,
                from_variable("DATABASE_URL", variable)?,
                from_file(in_file.database.url),
            ],
            DEFAULT_URL,
        );
        let plugin_path = match &global.plugin_path {
            Some(path) => Some(Setting { value: path.clone(), source: Source::Option("--plugin-path") }),
            None => path_from_variable("POLYMNIA_PLUGIN_PATH", variable),
        };
        let migrate_url = from_variable("POLYMNIA_MIGRATE_URL", variable)?;
        let migrations = from_variable("POLYMNIA_MIGRATIONS", variable)?.map(Setting::into);
        // What the file says is meant from where the file is.
        let beside = |folder: PathBuf| match config_path.as_ref().and_then(|path| path.value.parent()) {
            Some(parent) => parent.join(folder),
            None => folder,
        };
        let namespace = first(
            [
                from_option("--namespace", global.namespace.as_deref()),
                from_variable("POLYMNIA_NAMESPACE", variable)?,
                from_file(in_file.namespace),
            ],
            DEFAULT_NAMESPACE,
        );
        Ok(Self {
            database_url: database_url.into(),
            namespace: Setting {
                value: Namespace::new(namespace.value).map_err(|error| error.with_context("from", namespace.source))?,
                source: namespace.source,
            },
            migrate_url: migrate_url.or_else(|| from_file(in_file.database.migrate_url)).map(Setting::into),
            migrations: migrations.or_else(|| {
                let value = beside(in_file.migrations?);
                Some(Setting { value, source: Source::ConfigFile })
            }),
            timeout: global.timeout.as_deref().map(parse_duration).transpose().of_option("--timeout")?,
            plugins: match (global.plugins.as_slice(), in_file.plugins) {
                ([], None) => Setting { value: Vec::new(), source: Source::Default },
                ([], Some(value)) => Setting { value, source: Source::ConfigFile },
                (given, _) => Setting { value: given.to_owned(), source: Source::Option("--plugin") },
            },
            plugin_path: plugin_path
                .or_else(|| Some(Setting { value: in_file.plugin_path?, source: Source::ConfigFile })),
            only_plugins: match (global.only_plugins, in_file.only_plugins) {
                (true, _) => Setting { value: true, source: Source::Option("--only-plugins") },
                (false, Some(value)) => Setting { value, source: Source::ConfigFile },
                (false, None) => Setting { value: false, source: Source::Default },
            },
            allow_insecure_plugin: global.allow_insecure_plugin,
            config_path,
            config_file,
        })
    }
}

impl Settings {
    /// Returns the database whose schema it is about: of an option, a variable or the configuration, in this order the URL
    /// to migrate by and the database's. So a URL on the command line is never outdone by one that lies around.
    pub(crate) fn schema_url(&self, option: Option<&str>) -> Setting<ConnectionString> {
        let rank = |source: Source| match source {
            Source::Option(_) => 0,
            Source::Variable(_) => 1,
            Source::ConfigFile => 2,
            Source::Default => 3,
        };
        if let Some(url) = option {
            return Setting { value: url.to_owned().into(), source: Source::Option("--migrate-url") };
        }
        match &self.migrate_url {
            Some(setting) if rank(setting.source) <= rank(self.database_url.source) => setting.clone(),
            _ => self.database_url.clone(),
        }
    }

    /// Returns the folder of the application's migrations, if there is one.
    pub(crate) fn migrations(&self, option: Option<&Path>) -> Option<Setting<PathBuf>> {
        let of_option = |path: &Path| Setting { value: path.to_owned(), source: Source::Option("--migrations") };
        option.map(of_option).or_else(|| self.migrations.clone())
    }
}

impl Setting<String> {
    fn into<T: From<String>>(self) -> Setting<T> {
        Setting { value: self.value.into(), source: self.source }
    }
}

fn config_path(global: &GlobalArgs, variable: &dyn Fn(&'static str) -> Option<OsString>) -> Option<Setting<PathBuf>> {
    const NAME: &str = "POLYMNIA_CONFIG";
    if let Some(path) = &global.config {
        return Some(Setting { value: path.clone(), source: Source::Option("--config") });
    }
    if let Some(path) = path_from_variable(NAME, variable) {
        return Some(path);
    }
    ConfigFile::default_path().map(|value| Setting { value, source: Source::Default })
}

fn from_option(name: &'static str, value: Option<&str>) -> Option<Setting<String>> {
    value.map(|value| Setting { value: value.to_owned(), source: Source::Option(name) })
}

/// An empty variable counts as unset, as `NAME= polymnia` means it.
fn from_variable(
    name: &'static str,
    variable: &dyn Fn(&'static str) -> Option<OsString>,
) -> Result<Option<Setting<String>>> {
    let Some(value) = variable(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let value = value
        .into_string()
        .map_err(|_| Error::new(ErrorKind::Config, format!("variable {name} is not valid UTF-8")))?;
    Ok(Some(Setting { value, source: Source::Variable(name) }))
}

/// An empty variable counts as unset.
fn path_from_variable(
    name: &'static str,
    variable: &dyn Fn(&'static str) -> Option<OsString>,
) -> Option<Setting<PathBuf>> {
    let value = variable(name).filter(|path| !path.is_empty())?;
    Some(Setting { value: value.into(), source: Source::Variable(name) })
}

fn from_file(value: Option<String>) -> Option<Setting<String>> {
    value.map(|value| Setting { value, source: Source::ConfigFile })
}

fn first<const N: usize>(settings: [Option<Setting<String>>; N], default: &str) -> Setting<String> {
    let default = Setting { value: default.to_owned(), source: Source::Default };
    settings.into_iter().flatten().next().unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser as _;

    use super::*;
    use crate::args::Cli;

    fn resolve(line: &[&str], variables: &[(&str, &str)]) -> Result<Settings> {
        let line = ["polymnia"].iter().chain(line).chain(&["stats"]);
        let variable = |name: &'static str| {
            variables.iter().find_map(|(known, value)| (*known == name).then(|| OsString::from(value)))
        };
        Settings::resolve_with(&Cli::parse_from(line).global, ConfigNeed::Required, &variable)
    }

    #[test]
    fn options_win_over_variables_over_the_file_over_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        fs::write(&path, "namespace = \"of-file\"\n[database]\nurl = \"sqlite://of-file.db\"\n").unwrap();
        let config = ["--config", path.to_str().unwrap()];
        let shown = |settings: &Settings| {
            format!(
                "{} from {}; {} from {}",
                settings.database_url.value,
                settings.database_url.source,
                settings.namespace.value,
                settings.namespace.source
            )
        };

        let of_file = resolve(&config, &[("DATABASE_URL", "")]).unwrap();
        assert_eq!(shown(&of_file), "sqlite://of-file.db from configuration file; of-file from configuration file");
        let variables = [("POLYMNIA_NAMESPACE", "v"), ("DATABASE_URL", "postgres://u:secret@h/d")];
        let of_variables = resolve(&config, &variables).unwrap();
        assert_eq!(
            shown(&of_variables),
            "postgres://u:***@h/d from variable DATABASE_URL; v from variable POLYMNIA_NAMESPACE"
        );
        assert!(!format!("{of_variables:?}").contains("secret"));
        let line = [&config[..], &["--database-url", ":memory:", "--namespace", "o"]].concat();
        let of_options = resolve(&line, &variables).unwrap();
        assert_eq!(shown(&of_options), ":memory: from option --database-url; o from option --namespace");
    }

    #[test]
    fn a_url_to_migrate_by_goes_before_the_database_of_its_level() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        let text = "migrations = \"m\"\n[database]\nurl = \"sqlite://f.db\"\nmigrate_url = \"sqlite://fm.db\"\n";
        fs::write(&path, text).unwrap();
        let config = ["--config", path.to_str().unwrap()];
        let option = ["--database-url", "sqlite://o.db"];
        let shown = |line: &[&str], variables: &[(&str, &str)], option| {
            resolve(&[&config, line].concat(), variables).unwrap().schema_url(option).value.to_string()
        };
        let variables = [("DATABASE_URL", "sqlite://v.db"), ("POLYMNIA_MIGRATE_URL", "sqlite://vm.db")];
        assert_eq!(shown(&[], &[], None), "sqlite://fm.db");
        assert_eq!(shown(&[], &variables[..1], None), "sqlite://v.db");
        assert_eq!(shown(&[], &variables, None), "sqlite://vm.db");
        assert_eq!(shown(&option, &variables, None), "sqlite://o.db");
        assert_eq!(shown(&option, &variables, Some("sqlite://om.db")), "sqlite://om.db");

        let settings = resolve(&config, &[]).unwrap();
        assert_eq!(settings.migrations(None).unwrap().value, folder.path().join("m"));
        assert_eq!(settings.migrations(Some(Path::new("n"))).unwrap().value, Path::new("n"));
        let settings = resolve(&config, &[("POLYMNIA_MIGRATIONS", "v")]).unwrap();
        assert_eq!(settings.migrations(None).unwrap().value, Path::new("v"));
    }

    #[test]
    fn plugins_come_from_options_or_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        fs::write(&path, "plugins = [\"/f.so\"]\nplugin_path = \"/f\"\nonly_plugins = true\n").unwrap();
        let config = ["--config", path.to_str().unwrap()];
        let shown = |line: &[&str], variables: &[(&str, &str)]| {
            let Settings { plugins, plugin_path, only_plugins, .. } = resolve(line, variables).unwrap();
            let folder = plugin_path.map(|folder| format!("{} from {}", folder.value.display(), folder.source));
            let only = format!("{} from {}", only_plugins.value, only_plugins.source);
            format!("{:?} from {}; {folder:?}; {only}", plugins.value, plugins.source)
        };
        let variables = [("POLYMNIA_CONFIG", "/dev/null"), ("POLYMNIA_PLUGIN_PATH", "/v")];
        assert_eq!(shown(&[], &variables[..1]), "[] from default; None; false from default");
        let file = "configuration file";
        assert_eq!(
            shown(&config, &[("POLYMNIA_PLUGIN_PATH", "")]),
            format!(r#"["/f.so"] from {file}; Some("/f from {file}"); true from {file}"#)
        );
        assert_eq!(
            shown(&["--plugin", "a.so", "--plugin", "b.so", "--only-plugins"], &variables),
            r#"["a.so", "b.so"] from option --plugin; Some("/v from variable POLYMNIA_PLUGIN_PATH"); true from option --only-plugins"#
        );
        let line = [&config[..], &["--plugin-path", "/o"]].concat();
        assert!(shown(&line, &variables).contains(r#"Some("/o from option --plugin-path")"#));
    }

    #[test]
    fn what_makes_no_sense_says_where_it_comes_from() {
        let error = resolve(&["--config", "/nowhere.toml"], &[]).unwrap_err();
        assert_eq!(error.context_value("from"), Some("option --config"));
        let none = [("POLYMNIA_CONFIG", "/dev/null"), ("POLYMNIA_NAMESPACE", " ")];
        let error = resolve(&[], &none).unwrap_err();
        assert_eq!(error.context_value("from"), Some("variable POLYMNIA_NAMESPACE"));
        let error = resolve(&["--timeout", "soon"], &none[..1]).unwrap_err();
        assert_eq!(error.context_value("option"), Some("--timeout"));
    }
}
