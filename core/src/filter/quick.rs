//! What the canonical text of a document must hold for a filter to select it: a look instead of a walk.

use memchr::memmem::Finder;

use super::{Filter, Path, Step, Test};
use crate::Json;
use crate::json::leaf::Leaf;
use crate::json::scan::{Kind, Scan, Scanner};

/// Tells of most documents that a filter does not select, by texts that they lack.
///
/// In canonical text a value is spelt in one way, up to zeros behind a decimal point. So where a document has the scalar of a key,
/// its text holds both as they are written here. Where it does hold them, nothing is known: they may stand at another place.
#[derive(Clone, Debug)]
pub(super) enum Quick {
    /// Every document passes.
    Always,
    /// Nothing can be told.
    Unknown,
    /// None passes whose text lacks this one.
    Needs(Box<Finder<'static>>),
    And(Vec<Quick>),
    Or(Vec<Quick>),
    Not(Box<Quick>),
}

/// Up to how many texts are looked for, each of which costs a tenth of a walk at worst.
const MAX_TEXTS: usize = 6;
/// How many texts of one value are looked for at most: the longest, which should be the rarest.
const MAX_OF_VALUE: usize = 2;

impl Quick {
    /// Returns what can be told of a filter that looks at metadata only.
    pub(super) fn new(filter: &Filter) -> Self {
        let quick = Self::of(filter);
        if quick.texts() > MAX_TEXTS { Self::Unknown } else { quick }
    }

    /// Tells whether a document passes, if that can be told. Requires the canonical text of a JSON object.
    #[inline]
    pub(super) fn judge(&self, document: &[u8]) -> Option<bool> {
        match self {
            Self::Always => Some(true),
            Self::Unknown => None,
            Self::Needs(finder) => {
                if finder.find(document).is_some() {
                    None
                } else {
                    Some(false)
                }
            }
            Self::And(all) => Self::join(all, document, true),
            Self::Or(any) => Self::join(any, document, false),
            Self::Not(inner) => inner.judge(document).map(|passes| !passes),
        }
    }

    /// Joins verdicts, of which one that is not `neutral` settles it.
    fn join(several: &[Self], document: &[u8], neutral: bool) -> Option<bool> {
        let mut joined = Some(neutral);
        for one in several {
            match one.judge(document) {
                Some(verdict) if verdict != neutral => return Some(verdict),
                Some(_) => {}
                None => joined = None,
            }
        }
        joined
    }

    fn of(filter: &Filter) -> Self {
        match filter {
            Filter::All => Self::Always,
            Filter::Contains(needle) => Self::of_value("", needle),
            Filter::Metadata { path, test } => Self::of_test(path, test),
            Filter::Field(_) => Self::Unknown,
            Filter::And(all) => Self::And(all.iter().map(Self::of).collect()),
            Filter::Or(any) => Self::Or(any.iter().map(Self::of).collect()),
            Filter::Not(inner) => Self::Not(Box::new(Self::of(inner))),
        }
    }

    fn of_test(path: &Path, test: &Test) -> Self {
        let key = match path.steps().last() {
            Some(Step::Key(key)) => before_value(key),
            _ => String::new(),
        };
        let array = format!("{key}[");
        let one_of = |beginning: &str, values: &[Json]| {
            Self::Or(values.iter().map(|value| Self::of_value(beginning, value)).collect())
        };
        match test {
            Test::Exists | Test::Compare(..) => Self::needs(&key),
            Test::Eq(value) => Self::of_value(&key, value),
            Test::In(values) => Self::few(one_of(&key, values), || Self::needs(&key)),
            Test::Prefix(prefix) => match quoted(prefix.as_str()) {
                Some(quoted) => Self::needs(&(key + quoted.strip_suffix('"').unwrap_or_default())),
                None => Self::needs(&key),
            },
            Test::Any(values) => Self::few(one_of("", values), || Self::needs(&array)),
            Test::All(values) if values.is_empty() => Self::needs(&array),
            Test::All(values) => {
                let all = values.iter().map(|value| Self::of_value("", value)).collect();
                Self::few(Self::And(all), || Self::needs(&array))
            }
            Test::Size(_) => Self::needs(&array),
        }
    }

    /// Returns what a document needs to have this value, or one that contains it, behind the text.
    fn of_value(beginning: &str, value: &Json) -> Self {
        let mut texts = Vec::new();
        let mut scan = Scanner::new(value.as_str().as_bytes());
        let collected = collect(&mut scan, beginning.to_owned(), &mut texts, 0).and_then(|()| scan.end());
        // Of a damaged value nothing can be told, nor of one that asks for nothing.
        if collected.is_err() || texts.is_empty() {
            return Self::Unknown;
        }
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts.dedup();
        texts.truncate(MAX_OF_VALUE);
        Self::And(texts.iter().map(|text| Self::needs(text)).collect())
    }

    /// Returns what is given if that asks for few texts, or else something that asks for one.
    fn few(quick: Self, otherwise: impl FnOnce() -> Self) -> Self {
        if quick.texts() > MAX_TEXTS { otherwise() } else { quick }
    }

    fn needs(text: &str) -> Self {
        if text.is_empty() { Self::Unknown } else { Self::Needs(Box::new(Finder::new(text).into_owned())) }
    }

    /// Returns how many texts are looked for.
    fn texts(&self) -> usize {
        match self {
            Self::Always | Self::Unknown => 0,
            Self::Needs(_) => 1,
            Self::And(several) | Self::Or(several) => several.iter().map(Self::texts).sum(),
            Self::Not(inner) => inner.texts(),
        }
    }
}

/// Collects texts that stand in every canonical document that has the value at the cursor, or one that contains it, behind
/// `beginning`.
fn collect(scan: &mut Scanner<'_>, beginning: String, texts: &mut Vec<String>, depth: usize) -> Scan<()> {
    let at = scan.at();
    let kind = match Leaf::read(scan)? {
        Ok(leaf) => {
            if let Some(text) = spelt(&leaf) {
                texts.push(beginning + &text);
            }
            return Ok(());
        }
        Err(kind) => kind,
    };
    scan.open(depth)?;
    // The root is an object in any case, which an empty text says.
    if at > 0 || !beginning.is_empty() {
        texts.push(beginning + if kind == Kind::Object { "{" } else { "[" });
    }
    if !scan.close(kind) {
        loop {
            let beginning = match kind {
                Kind::Object => {
                    let key = scan.key()?;
                    String::from_utf8(key.unescape().into_vec()).map_or(String::new(), |key| before_value(&key))
                }
                _ => String::new(),
            };
            collect(scan, beginning, texts, depth + 1)?;
            if !scan.comma_or_close(kind)? {
                break;
            }
        }
    }
    Ok(())
}

/// Returns how a scalar begins wherever canonical text has its equal; none for what canonical text can't have.
fn spelt(leaf: &Leaf<'_>) -> Option<String> {
    Some(match leaf {
        Leaf::Word(None) => "null".to_owned(),
        Leaf::Word(Some(false)) => "false".to_owned(),
        Leaf::Word(Some(true)) => "true".to_owned(),
        Leaf::Number(number) => {
            let mut text = Vec::new();
            number.write_canonical(&mut text, MAX_NUMBER).ok()?;
            let mut text = String::from_utf8(text).ok()?;
            if text.contains('.') {
                text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
            }
            // Zero has no sign in canonical text, nor has what was written before.
            if text == "-0" { "0".to_owned() } else { text }
        }
        Leaf::String(string) => quoted(std::str::from_utf8(&string.unescape()).ok()?)?,
    })
}

/// The longest number that is looked for.
const MAX_NUMBER: usize = 1 << 10;

/// Returns what stands before the value of a key in canonical text; nothing for a key that it can't have.
fn before_value(key: &str) -> String {
    quoted(key).map_or(String::new(), |key| key + ": ")
}

/// Returns a text as canonical text has it, in quotes.
fn quoted(text: &str) -> Option<String> {
    Some(Json::from_serialize(text).ok()?.as_str().to_owned())
}
