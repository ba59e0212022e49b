//! Where an upgrade or a downgrade is to lead, as it is typed.

use polymnia::schema::Target;

/// Reads the target of an upgrade: `head`, a version or the beginning of one, or `+N`.
pub(crate) fn up(text: &str) -> Result<Target, String> {
    match text {
        "head" | "heads" => Ok(Target::Head),
        "base" => Err("base is what a downgrade leads to".to_owned()),
        _ if text.starts_with('-') => Err("steps back are what a downgrade goes".to_owned()),
        _ => match text.strip_prefix('+') {
            Some(steps) => number(steps).map(Target::Steps),
            None => version(text),
        },
    }
}

/// Reads the target of a downgrade: `base`, a version or the beginning of one, or `-N`.
pub(crate) fn down(text: &str) -> Result<Target, String> {
    match text {
        "base" => Ok(Target::Base),
        "head" | "heads" => Err("the head is what an upgrade leads to".to_owned()),
        _ if text.starts_with('+') => Err("steps forward are what an upgrade goes".to_owned()),
        _ => match text.strip_prefix('-') {
            Some(steps) => number(steps).map(Target::Steps),
            None => version(text),
        },
    }
}

/// Reads what a stamp records: `head`, `base`, a version or the beginning of one.
pub(crate) fn at(text: &str) -> Result<Target, String> {
    match text {
        "head" | "heads" => Ok(Target::Head),
        "base" => Ok(Target::Base),
        _ => version(text),
    }
}

fn version(text: &str) -> Result<Target, String> {
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if fits { Ok(Target::Version(text.to_owned())) } else { Err("no version looks like this".to_owned()) }
}

fn number(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| *number > 0 && text.bytes().all(|byte| byte.is_ascii_digit()));
    number.ok_or_else(|| "expected a number of steps, from 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_lead_one_way() {
        let version = |text: &str| Ok(Target::Version(text.to_owned()));
        assert_eq!(up("head"), Ok(Target::Head));
        assert_eq!(up("+2"), Ok(Target::Steps(2)));
        assert_eq!(up("20261121000100"), version("20261121000100"));
        assert_eq!(up("shop2026"), version("shop2026"));
        assert_eq!(down("base"), Ok(Target::Base));
        assert_eq!(down("-1"), Ok(Target::Steps(1)));
        assert_eq!(down("2026"), version("2026"));
        assert_eq!(at("base"), Ok(Target::Base));
        for wrong in ["", "base", "-1", "+0", "+-1", "++1", "+", "a b", "A1", "+99999999999"] {
            assert!(up(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "head", "+1", "-0", "--1", "-", "-+1", "x'"] {
            assert!(down(wrong).is_err(), "{wrong}");
        }
    }
}
