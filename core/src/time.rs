//! Points in time: UTC, microseconds, years 1 to 9999.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{DateTime, date};
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::{SignedDuration, Unit};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Result};

const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

/// Is a point in time, in UTC, to the microsecond, in the years 1 to 9999.
///
/// Anything finer is floored (toward the past), so that every dialect stores the same value.
///
/// # Examples
///
/// ```
/// use polymnia::Timestamp;
///
/// let time: Timestamp = "2026-03-02T10:14:00.1234567+01:00".parse()?;
/// assert_eq!(time.to_string(), "2026-03-02T09:14:00.123456Z");
/// assert_eq!(Timestamp::from_micros(0)?.to_string(), "1970-01-01T00:00:00Z");
/// # Ok::<(), polymnia::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// Returns the time that many microseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) outside the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Result<Self> {
        if (Self::MIN.0..=Self::MAX.0).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(Error::invalid_input(format!("time {micros} µs is outside the years 1 to 9999")))
        }
    }

    /// Returns the time of the system's clock.
    ///
    /// A clock outside the years 1 to 9999 reads as the nearest of the two ends.
    pub fn now() -> Self {
        let micros = jiff::Timestamp::now().as_microsecond();
        Self(micros.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Returns the microseconds since 1970-01-01T00:00:00Z; negative before.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 date and time with an offset, or a bare date, which means its midnight in UTC.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for any other form and outside the years 1 to 9999.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            let shown: String = text.chars().take(40).collect();
            Error::invalid_input(format!(
                "time {shown:?} can't be read: expected RFC 3339 in the years 1 to 9999, such as 2026-03-02T09:14:00Z"
            ))
        };
        let pieces = Pieces::parse(text).map_err(|_| wrong())?;
        if pieces.time_zone_annotation().is_some() {
            return Err(wrong());
        }
        let offset = match (pieces.offset(), pieces.time()) {
            (Some(PiecesOffset::Zulu), Some(_)) | (None, None) => 0,
            (Some(PiecesOffset::Numeric(numeric)), Some(_)) => numeric.offset().seconds(),
            _ => return Err(wrong()),
        };
        let civil = pieces.date().to_datetime(pieces.time().unwrap_or_default());
        let nanos = civil.duration_since(EPOCH).as_nanos() - i128::from(offset) * 1_000_000_000;
        let micros = i64::try_from(nanos.div_euclid(1_000)).map_err(|_| wrong())?;
        Self::from_micros(micros).map_err(|_| wrong())
    }

    /// Returns the later of the two.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Ord::max(self, other)
    }
}

impl fmt::Display for Timestamp {
    /// Writes RFC 3339 in UTC, with as many digits of the second as are needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = EPOCH
            .checked_add(SignedDuration::from_micros(self.0))
            .expect("a Timestamp lies in the years 1 to 9999, which civil dates hold");
        debug_assert!(civil.round(Unit::Microsecond).is_ok_and(|rounded| rounded == civil));
        write!(f, "{civil}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ends_of_the_range_are_printed_and_read() {
        assert_eq!(Timestamp::MIN.to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
        for end in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(end.to_string().parse::<Timestamp>().unwrap(), end);
        }
        assert!(Timestamp::from_micros(Timestamp::MAX.0 + 1).is_err());
        assert!("0001-01-01T00:00:00+01:00".parse::<Timestamp>().is_err());
        assert!("0000-12-31T23:59:59Z".parse::<Timestamp>().is_err());
    }

    #[test]
    fn finer_than_a_microsecond_is_floored() {
        assert_eq!("1969-12-31T23:59:59.9999999Z".parse::<Timestamp>().unwrap().as_micros(), -1);
        assert_eq!("1970-01-01T00:00:00.0000019Z".parse::<Timestamp>().unwrap().as_micros(), 1);
    }

    #[test]
    fn a_bare_date_is_midnight_and_a_local_time_is_refused() {
        assert_eq!("2026-03-02".parse::<Timestamp>().unwrap().to_string(), "2026-03-02T00:00:00Z");
        for text in ["2026-03-02T10:00:00", "yesterday", "", "2026-13-01", "2026-03-02T10:00Z[Europe/Berlin]"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_reading_agree(micros in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let time = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
        }
    }
}
