//! Who runs this program, for the ledger.

/// Returns `user@host`.
pub(crate) fn who() -> String {
    let user = whoami::username().unwrap_or_else(|_| "unknown".to_owned());
    let host = whoami::hostname().unwrap_or_else(|_| "unknown".to_owned());
    format!("{}@{}", plain(&user), plain(&host))
}

/// The ledger is read by people and programs: names keep to printable characters.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !c.is_control() && !c.is_whitespace()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printable() {
        assert_eq!(plain("a\nb\u{1b} c"), "abc");
        let who = who();
        let (user, host) = who.split_once('@').unwrap();
        assert!(!user.is_empty() && !host.is_empty(), "{who}");
    }
}
