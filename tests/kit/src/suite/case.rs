//! Cases as data.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::{CASES, Claims, Need};
use crate::fixture::{Fixture, Subject};

/// Is one case of the suite.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Case {
    /// What it is about: `expiry`.
    pub theme: &'static str,
    /// What must be so: `hides_at_the_very_moment`.
    pub name: &'static str,
    /// What a dialect must claim for the case to apply, that which it is about first.
    pub needs: &'static [Need],
    /// What a dialect must not claim for the case to apply: it checks that asking for it is refused.
    pub unless: Option<Need>,
    /// Runs it. It panics if the dialect fails.
    pub run: fn(&Subject),
}

/// Says whether a case applies to a dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Applies,
    /// It needs this, which the dialect doesn't claim.
    NotClaimed(Need),
    /// It is about the lack of this, which the dialect claims.
    Claimed(Need),
}

impl Case {
    /// Finds a case by theme and name.
    pub fn find(theme: &str, name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.theme == theme && case.name == name)
    }

    /// Returns whether the case applies where that is claimed.
    pub fn standing(&self, claims: &Claims) -> Standing {
        if let Some(need) = self.needs.iter().find(|need| !claims.has(**need)) {
            return Standing::NotClaimed(*need);
        }
        match self.unless {
            Some(need) if claims.has(need) => Standing::Claimed(need),
            _ => Standing::Applies,
        }
    }

    /// Returns the capability that the case is about; none for what every dialect does.
    pub fn about(&self) -> Option<Need> {
        self.unless.or_else(|| self.needs.first().copied())
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.theme, self.name)
    }
}

/// Runs one case as a test, on a fresh database, if it applies; else it says why not.
///
/// What [`conformance_suite!`](crate::conformance_suite) makes tests of.
///
/// # Panics
///
/// If the dialect fails the case, and if there is no such case.
pub fn test<F: Fixture>(theme: &str, name: &str) {
    let case = Case::find(theme, name).unwrap_or_else(|| panic!("there is no case {theme}::{name}"));
    let standing =
        if case.needs.is_empty() && case.unless.is_none() { Standing::Applies } else { case.standing(&claims::<F>()) };
    match standing {
        Standing::Applies => (case.run)(&Subject::fresh::<F>()),
        Standing::NotClaimed(need) => eprintln!("{case} does not apply: {need} is not claimed"),
        Standing::Claimed(need) => eprintln!("{case} does not apply: {need} is claimed"),
    }
}

/// Returns what databases of a kind claim, which is asked once a process.
fn claims<F: Fixture>() -> Claims {
    static KNOWN: Mutex<Option<HashMap<TypeId, Claims>>> = Mutex::new(None);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(claims) = known().get_or_insert_default().get(&TypeId::of::<F>()) {
        return claims.clone();
    }
    let claims = Claims::of(&F::fresh()).expect("a fresh database can be opened");
    known().get_or_insert_default().insert(TypeId::of::<F>(), claims.clone());
    claims
}
