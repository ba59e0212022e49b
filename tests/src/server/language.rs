//! Servers that speak another language than English.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use super::{ServerError, account::ServerUser, installation::run};

/// Makes sure that a locale exists, by compiling it into a new folder if this machine lacks it.
pub(super) fn provide(locale: &str, user: ServerUser, folder: &Path) -> Result<(), ServerError> {
    let known = Command::new("locale").arg("-a").stdin(Stdio::null()).output();
    if known.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).lines().any(|name| same(name, locale))) {
        return Ok(());
    }
    let (language, charset) = locale.split_once('.').unwrap_or((locale, "UTF-8"));
    run(user.command("mkdir").arg(folder))?;
    // A name with a slash is a path to localedef, and one without would go into the system's own archive.
    let mut localedef = user.command("localedef");
    localedef.args(["-i", language, "-f", charset]).arg(folder.join(locale)).current_dir(folder);
    run(&mut localedef).map_err(|error| {
        ServerError::because(format!("there is no locale {locale} and it could not be compiled"), error)
    })?;
    Ok(())
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
