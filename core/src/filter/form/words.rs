//! The words of the JSON form: everything that begins with a single `$`.

use super::super::{Relation, TextField, TimeField};

/// Is what a condition asks of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Ne,
    Compare(Relation),
    In,
    Nin,
    Exists,
    Prefix,
    Any,
    All,
    Size,
    Contains,
    Not,
}

/// Is one of a memory's own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Text(TextField),
    Importance,
    Time(TimeField),
}

/// The words that join filters, or stand for more than one value.
pub(super) const JOINING: [&str; 5] = [AND, OR, NOT, CONTAINS, PATH];
pub(super) const AND: &str = "$and";
pub(super) const OR: &str = "$or";
pub(super) const NOT: &str = "$not";
pub(super) const CONTAINS: &str = "$contains";
pub(super) const PATH: &str = "$path";

/// The greatest length of a word that an error repeats: what is longer was never meant as one.
const MAX_SHOWN: usize = 32;

/// How many letters of a word may be wrong for another one to be what was meant.
const MAX_DISTANCE: usize = 2;

/// What other stores call it.
const ELSEWHERE: [(&str, &str); 18] = [
    ("$agent_id", "$agent"),
    ("$between", "$gte"),
    ("$contains_any", "$any"),
    ("$contains_all", "$all"),
    ("$created", "$created_at"),
    ("$elemMatch", CONTAINS),
    ("$equals", "$eq"),
    ("$expires", "$expires_at"),
    ("$has", "$any"),
    ("$length", "$size"),
    ("$notEquals", "$ne"),
    ("$nor", NOT),
    ("$not_in", "$nin"),
    ("$startsWith", "$prefix"),
    ("$starts_with", "$prefix"),
    ("$thread_id", "$thread"),
    ("$updated", "$updated_at"),
    ("$user_id", "$user"),
];

impl Operator {
    pub(super) const EVERY: [Self; 15] = [
        Self::Eq,
        Self::Ne,
        Self::Compare(Relation::Greater),
        Self::Compare(Relation::GreaterOrEqual),
        Self::Compare(Relation::Less),
        Self::Compare(Relation::LessOrEqual),
        Self::In,
        Self::Nin,
        Self::Exists,
        Self::Prefix,
        Self::Any,
        Self::All,
        Self::Size,
        Self::Contains,
        Self::Not,
    ];

    /// Returns the operator that is written so.
    pub(super) fn of(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|operator| operator.word() == word)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Eq => "$eq",
            Self::Ne => "$ne",
            Self::Compare(relation) => comparison(relation),
            Self::In => "$in",
            Self::Nin => "$nin",
            Self::Exists => "$exists",
            Self::Prefix => "$prefix",
            Self::Any => "$any",
            Self::All => "$all",
            Self::Size => "$size",
            Self::Contains => CONTAINS,
            Self::Not => NOT,
        }
    }

    /// Returns whether a field can be asked this.
    pub(super) fn fits(self, field: Field) -> bool {
        match self {
            Self::Any | Self::All | Self::Size | Self::Contains => false,
            Self::Prefix => matches!(field, Field::Text(_)),
            _ => true,
        }
    }
}

impl Field {
    pub(super) const EVERY: [Self; 8] = [
        Self::Text(TextField::User),
        Self::Text(TextField::Agent),
        Self::Text(TextField::Thread),
        Self::Text(TextField::Tier),
        Self::Importance,
        Self::Time(TimeField::Created),
        Self::Time(TimeField::Updated),
        Self::Time(TimeField::Expires),
    ];

    /// Returns the field that is written so.
    pub(super) fn of(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|field| field.word() == word)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Text(TextField::User) => "$user",
            Self::Text(TextField::Agent) => "$agent",
            Self::Text(TextField::Thread) => "$thread",
            Self::Text(TextField::Tier) => "$tier",
            Self::Importance => "$importance",
            Self::Time(TimeField::Created) => "$created_at",
            Self::Time(TimeField::Updated) => "$updated_at",
            Self::Time(TimeField::Expires) => "$expires_at",
        }
    }

    /// Says what its values are.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Importance => "a number",
            Self::Time(_) => "a time in RFC 3339, such as \"2026-03-02T09:14:00Z\"",
        }
    }
}

/// Returns how a comparison is written.
pub(super) fn comparison(relation: Relation) -> &'static str {
    match relation {
        Relation::Less => "$lt",
        Relation::LessOrEqual => "$lte",
        Relation::Greater => "$gt",
        Relation::GreaterOrEqual => "$gte",
    }
}

/// Returns what a member's key says: a word, or the key of the metadata that it is, one `$` taken off.
pub(super) fn word_or_key(member: &str) -> Result<&str, &str> {
    match member.strip_prefix('$') {
        Some(rest) if rest.starts_with('$') => Err(rest),
        Some(_) => Ok(member),
        None => Err(member),
    }
}

/// Returns how a word may be shown in an error: it could be content, or trouble for a terminal.
pub(super) fn shown(word: &str) -> Option<&str> {
    let plain = |letter: u8| letter == b'$' || letter == b'_' || letter.is_ascii_alphanumeric();
    (word.len() <= MAX_SHOWN && word.bytes().all(plain)).then_some(word)
}

/// Returns which of these words was probably meant.
pub(super) fn closest(word: &str, words: impl Iterator<Item = &'static str> + Clone) -> Option<&'static str> {
    let elsewhere = ELSEWHERE.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(word)).map(|(_, ours)| *ours);
    if let Some(ours) = elsewhere.filter(|ours| words.clone().any(|word| word == *ours)) {
        return Some(ours);
    }
    let lower = shown(word)?.to_ascii_lowercase();
    words
        .map(|known| (strsim::osa_distance(&lower, known), known))
        .filter(|(distance, known)| *distance <= MAX_DISTANCE && *distance + 2 < known.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Returns words as a list for people.
pub(super) fn list(words: impl Iterator<Item = &'static str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
