//! Compares a rival's answers with ours.

use std::fmt;

use polymnia::Timestamp;
use serde_json::Value;

use crate::data;
use crate::plan::{Call, LIMIT};

/// Says how a rival's answers stand to ours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Agreement {
    /// There is nothing to compare.
    None,
    /// The same, in the same order.
    Same,
    /// The same memories in another order.
    Reordered,
    /// As many memories that match, but other ones.
    OthersThatMatch,
    Different,
}

impl Agreement {
    pub(crate) fn of(call: &Call, ours: &Value, theirs: &Value) -> Self {
        if let (Value::Null, Value::Null) = (ours, theirs) {
            return Self::None;
        }
        if let (Call::Put(_), _) | (Call::SetMetadata { .. } | Call::SetTier { .. }, Value::Null) = (call, ours) {
            return Self::None;
        }
        if ours == theirs {
            return Self::Same;
        }
        let (Call::Search(search), Some(ours), Some(theirs)) = (call, numbers(ours), numbers(theirs)) else {
            return Self::Different;
        };
        if sorted(ours.clone()) == sorted(theirs.clone()) {
            return Self::Reordered;
        }
        let (selection, now) = (search.selection(), Timestamp::from_micros(0).expect("in range"));
        let full = |numbers: &[usize]| numbers.len() == LIMIT as usize;
        let all_match = theirs.iter().all(|number| selection.matches(&data::memory(*number), now));
        if full(&ours) && full(&theirs) && all_match { Self::OthersThatMatch } else { Self::Different }
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "-",
            Self::Same => "same",
            Self::Reordered => "same, other order",
            Self::OthersThatMatch => "others that match",
            Self::Different => "DIFFERENT",
        })
    }
}

fn numbers(answer: &Value) -> Option<Vec<usize>> {
    answer.as_array()?.iter().map(|number| usize::try_from(number.as_u64()?).ok()).collect()
}

fn sorted(mut numbers: Vec<usize>) -> Vec<usize> {
    numbers.sort_unstable();
    numbers
}
