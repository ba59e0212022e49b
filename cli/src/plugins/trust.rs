//! Whether what names plugins may do so.

use polymnia::{Error, ErrorKind, Result};
use polymnia_plugin::host::check_trust;

use crate::settings::{Settings, Source};

/// Refuses plugins that a configuration file names which somebody else may have put there: one that was found by a relative
/// path, as a repository may bring it along, and one that others can write to. Who names code runs code.
pub(super) fn check(settings: &Settings) -> Result<()> {
    let of_file = |source| matches!(source, Source::ConfigFile);
    let names_code = of_file(settings.plugins.source) && !settings.plugins.value.is_empty()
        || settings.plugin_path.as_ref().is_some_and(|folder| of_file(folder.source));
    let Some(file) = settings.config_path.as_ref().filter(|_| names_code) else { return Ok(()) };
    let shown = file.value.display();
    if !file.value.is_absolute() {
        let message = format!("configuration file {shown} names plugins, and is itself named by a relative path");
        let hint = format!(
            "a folder one works in must not bring code along: name the file by its absolute path (from {})",
            file.source
        );
        return Err(Error::new(ErrorKind::Config, message).with_hint(hint));
    }
    if let Some(path) =
        settings.plugins.value.iter().find(|path| of_file(settings.plugins.source) && !path.is_absolute())
    {
        let message = format!("plugin {} of configuration file {shown} is no absolute path", path.display());
        return Err(Error::new(ErrorKind::Config, message).with_hint("write the whole path"));
    }
    if settings.allow_insecure_plugin {
        return Ok(());
    }
    check_trust(&file.value).map_err(|error| error.with_context("names plugins", shown).with_operation("connect"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::settings::Setting;

    fn settings(config: &Path, plugin: &str) -> Settings {
        let args =
            <crate::args::Cli as clap::Parser>::parse_from(["polymnia", "--config", "/dev/null", "stats"]).global;
        let mut settings = Settings::resolve(&args, crate::settings::ConfigNeed::Required).unwrap();
        settings.config_path = Some(Setting { value: config.to_owned(), source: Source::Option("--config") });
        settings.plugins = Setting { value: vec![plugin.into()], source: Source::ConfigFile };
        settings
    }

    #[test]
    fn a_file_of_somebody_else_names_no_code() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, "").unwrap();
        let mut of_file = settings(&file, "/p.so");
        check(&of_file).unwrap();
        let relative = settings(Path::new("config.toml"), "/p.so");
        assert_eq!(check(&relative).unwrap_err().kind(), ErrorKind::Config);
        assert!(check(&settings(&file, "p.so")).unwrap_err().message().contains("p.so"));
        let mut given = settings(Path::new("config.toml"), "p.so");
        given.plugins.source = Source::Option("--plugin");
        check(&given).unwrap();
        given.plugin_path = Some(Setting { value: "/folder".into(), source: Source::ConfigFile });
        assert_eq!(check(&given).unwrap_err().kind(), ErrorKind::Config);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
            assert_eq!(check(&of_file).unwrap_err().kind(), ErrorKind::PermissionDenied);
            of_file.allow_insecure_plugin = true;
            check(&of_file).unwrap();
        }
    }
}
