//! Encrypted connections.

use polymnia::{Error, ErrorKind, Result};

/// Makes the `ssl*` parameters such that libpq as it was built here can honour them.
///
/// Without the feature `tls`, asking for encryption is refused. With it, `sslrootcert=system` names the file of the system's
/// certificates: OpenSSL is built in, and the folder it would look into is none of this machine's.
pub(crate) fn apply(pairs: &mut Vec<(String, String)>) -> Result<()> {
    if pairs.iter().any(|(name, value)| name == "sslmode" && !MODES.contains(&value.as_str())) {
        let message = format!("sslmode has a value that is not known: expected one of {}", MODES.join(", "));
        return Err(Error::new(ErrorKind::Config, message));
    }
    if cfg!(feature = "tls") { name_system_certificates(pairs) } else { refuse(pairs) }
}

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// What to do about a libpq without TLS.
pub(crate) const HINT: &str = "build polymnia-postgres with the feature `tls`, or use sslmode=disable where the way to the \
                               server is safe";

fn refuse(pairs: &[(String, String)]) -> Result<()> {
    let demands = |(name, value): &&(String, String)| match name.as_str() {
        "sslmode" => !matches!(value.as_str(), "disable" | "allow" | "prefer"),
        "sslrootcert" => value == "system",
        "sslnegotiation" => value == "direct",
        "channel_binding" => value == "require",
        _ => false,
    };
    match pairs.iter().find(demands) {
        None => Ok(()),
        Some((name, _)) => {
            let message = format!("{name} asks for an encrypted connection, and this build has no TLS");
            Err(Error::new(ErrorKind::Config, message).with_hint(HINT))
        }
    }
}

fn name_system_certificates(pairs: &mut Vec<(String, String)>) -> Result<()> {
    let Some(at) = pairs.iter().position(|(name, value)| name == "sslrootcert" && value == "system") else {
        return Ok(());
    };
    // libpq refuses less with the system's certificates, since anybody can have one of those.
    crate::config::set_default(pairs, "sslmode", "verify-full");
    if pairs.iter().any(|(name, value)| name == "sslmode" && value != "verify-full") {
        let message = "sslrootcert=system goes with sslmode=verify-full only";
        return Err(Error::new(ErrorKind::Config, message));
    }
    pairs[at].1 = system_certificates()?;
    Ok(())
}

#[cfg(feature = "tls")]
fn system_certificates() -> Result<String> {
    let found = openssl_probe::probe().cert_file.and_then(|path| path.to_str().map(str::to_owned));
    found.ok_or_else(|| {
        Error::new(ErrorKind::Config, "sslrootcert=system: no file of the system's certificates was found")
            .with_hint("name one with sslrootcert=<file> or the variable SSL_CERT_FILE")
    })
}

#[cfg(not(feature = "tls"))]
fn system_certificates() -> Result<String> {
    unreachable!("without TLS, sslrootcert=system is refused before")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &[(&str, &str)]) -> Vec<(String, String)> {
        text.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_mode_that_is_not_known_is_refused() {
        let error = apply(&mut pairs(&[("sslmode", "full")])).unwrap_err();
        assert!(error.message().contains("expected one of disable, allow"), "{error}");
    }

    #[test]
    #[cfg(not(feature = "tls"))]
    fn encryption_is_refused_without_tls() {
        for wanted in [[("sslmode", "require")], [("sslmode", "verify-full")], [("sslrootcert", "system")]] {
            let error = apply(&mut pairs(&wanted)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.hint().unwrap().contains("feature `tls`"));
        }
        assert!(apply(&mut pairs(&[("sslmode", "prefer")])).is_ok());
    }

    #[test]
    #[cfg(feature = "tls")]
    fn the_system_s_certificates_are_named() {
        let mut given = pairs(&[("sslrootcert", "system")]);
        match apply(&mut given) {
            Ok(()) => {
                assert_ne!(given[0].1, "system");
                assert_eq!(given[1].1, "verify-full");
            }
            // A machine without any.
            Err(error) => assert!(error.hint().unwrap().contains("SSL_CERT_FILE")),
        }
        assert!(apply(&mut pairs(&[("sslrootcert", "system"), ("sslmode", "require")])).is_err());
    }
}
