//! Servers that speak another language than English.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{ServerError, account::ServerUser, installation::run};

/// Makes sure that a locale exists, and returns the folder of compiled locales if it had to be compiled.
///
/// `folder` has to belong to `user`, who writes to it.
pub(super) fn provide(locale: &str, user: ServerUser, folder: &Path) -> Result<Option<PathBuf>, ServerError> {
    let known = Command::new("locale").arg("-a").stdin(Stdio::null()).output();
    if known.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).lines().any(|name| same(name, locale))) {
        return Ok(None);
    }
    let (language, charset) = locale.split_once('.').unwrap_or((locale, "UTF-8"));
    // localedef takes a name with a slash for a path, and one without for the system's own archive.
    run(user.command("mkdir").arg(folder.join("locales")))?;
    run(user
        .command("localedef")
        .args(["-i", language, "-f", charset])
        .arg(folder.join("locales").join(locale))
        .current_dir(folder))
    .map_err(|error| {
        ServerError::because(format!("there is no locale {locale} and it could not be compiled"), error)
    })?;
    Ok(Some(folder.join("locales")))
}

/// Whether two names mean one locale: `de_DE.UTF-8` is listed as `de_DE.utf8`.
fn same(a: &str, b: &str) -> bool {
    let plain = |name: &str| name.replace('-', "").to_ascii_lowercase();
    plain(a) == plain(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_locale_are_the_same() {
        assert!(same("de_DE.utf8", "de_DE.UTF-8"));
        assert!(!same("de_AT.utf8", "de_DE.UTF-8"));
    }
}
