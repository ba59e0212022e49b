//! What a plugin says of itself, checked: it is shown, logged and asked for by name.

use crate::message::Description;

/// The longest name, version or scheme, in bytes.
const MAX_BYTES: usize = 64;
/// The most URL schemes of one plugin.
const MAX_SCHEMES: usize = 16;

/// Says what is wrong with a description, if anything is.
pub(super) fn check(description: &Description) -> Result<(), String> {
    let Description { name, version, url_schemes, operations: _, features: _ } = description;
    if !is_name(name, "-_") {
        return Err(format!(
            "it says its name is {:?}: expected a lower-case letter and then such letters, digits, - or _, up to {MAX_BYTES}",
            shown(name)
        ));
    }
    if version.is_empty() || version.len() > MAX_BYTES || !version.bytes().all(|byte| byte.is_ascii_graphic()) {
        let version = shown(version);
        return Err(format!("it says its version is {version:?}: expected 1 to {MAX_BYTES} characters of ASCII"));
    }
    if !(1..=MAX_SCHEMES).contains(&url_schemes.len()) {
        return Err(format!("it has {} URL schemes: expected 1 to {MAX_SCHEMES}", url_schemes.len()));
    }
    for (at, scheme) in url_schemes.iter().enumerate() {
        if !is_name(scheme, "+-.") {
            let scheme = shown(scheme);
            return Err(format!(
                "it has the URL scheme {scheme:?}: expected a lower-case one, of RFC 3986, section 3.1"
            ));
        }
        if url_schemes[..at].contains(scheme) {
            return Err(format!("it has the URL scheme {scheme:?} twice"));
        }
    }
    Ok(())
}

fn is_name(text: &str, beside: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || beside.contains(c);
    text.len() <= MAX_BYTES && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(allowed)
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(name: &str, version: &str, schemes: &[&str]) -> Description {
        Description {
            name: name.to_owned(),
            version: version.to_owned(),
            url_schemes: schemes.iter().map(|&scheme| scheme.to_owned()).collect(),
            ..Description::default()
        }
    }

    #[test]
    fn sense_passes() {
        check(&description("sqlite", "0.1.0", &["sqlite"])).unwrap();
        check(&description("my-db_2", "2.0.0-rc.1+build", &["mydb", "mydb+tls", "my.db-2"])).unwrap();
    }

    #[test]
    fn nonsense_is_refused() {
        let long = "a".repeat(65);
        for name in ["", "SQLite", "2db", "my db", "db\n", "dé", &long] {
            assert!(check(&description(name, "1", &["x"])).unwrap_err().contains("name"), "{name}");
        }
        for version in ["", "1 2", "1\u{1b}[2J", &long] {
            assert!(check(&description("a", version, &["x"])).unwrap_err().contains("version"), "{version}");
        }
        let many: Vec<String> = (0..17).map(|number| format!("x{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for schemes in [&[][..], &[""], &["SQLite"], &["a b"], &["a", "a"], &["http://"], &[&long], &many] {
            assert!(check(&description("a", "1", schemes)).unwrap_err().contains("scheme"), "{schemes:?}");
        }
    }
}
