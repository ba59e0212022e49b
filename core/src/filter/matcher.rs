//! Filters on metadata, compiled.

use std::fmt;

use super::conditions::Conditions;
use super::{Filter, Path, Test};
use crate::json::marks::Marks;
use crate::json::needle::Needle;
use crate::json::scan::{Kind, Scan, Scanner};
use crate::json::walk::Walk;
use crate::{Error, ErrorKind, Result};

/// Tells whether metadata passes a filter, quickly: compiled once, it walks the text of each document without building a
/// tree.
///
/// One walk answers all conditions on paths, and each containment takes one; what need not be known is not asked. What counts
/// as a document is as for [`Matcher`](crate::Matcher), but that its root must be an object.
///
/// # Cost
///
/// A walk is linear in the document, but where arrays or objects are compared with several others: at worst the product of the
/// document and the filter.
#[derive(Clone)]
pub struct FilterMatcher {
    root: Part,
    conditions: Conditions,
}

/// Is a part of a filter.
#[derive(Clone)]
enum Part {
    Contains(Needle),
    /// The condition of this number.
    Condition(usize),
    And(Vec<Part>),
    Or(Vec<Part>),
    Not(Box<Part>),
}

impl FilterMatcher {
    /// Compiles a filter that looks at metadata only.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if it looks at a memory's own fields.
    pub fn new(filter: &Filter) -> Result<Self> {
        let mut conditions = Vec::new();
        let root = Part::new(filter, &mut conditions)?;
        Ok(Self { root, conditions: Conditions::new(&conditions) })
    }

    /// Reports whether `metadata`, a JSON text in UTF-8, passes. Nothing that is not JSON does.
    pub fn matches(&self, metadata: &[u8]) -> bool {
        self.matches_while(metadata, &mut || true).unwrap_or(false)
    }

    /// Does what [`matches`](Self::matches) does as long as `go_on` says so, and returns `None` once it does not.
    ///
    /// It is asked about every 64 KiB of the work that exceeds one walk over the document.
    pub fn matches_while(&self, metadata: &[u8], go_on: &mut dyn FnMut() -> bool) -> Option<bool> {
        let Ok(text) = std::str::from_utf8(metadata) else { return Some(false) };
        let walk = Walk::new(text, go_on);
        let evaluation = Evaluation { conditions: &self.conditions, start: walk.scan, walk, walked: None, met: None };
        Walk::answer(evaluation.answer(&self.root))
    }
}

impl fmt::Debug for FilterMatcher {
    /// Writes the name only, as for [`Matcher`](crate::Matcher).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterMatcher").finish_non_exhaustive()
    }
}

impl Part {
    fn new<'f>(filter: &'f Filter, conditions: &mut Vec<(&'f Path, &'f Test)>) -> Result<Self> {
        let parts = |filters: &'f [Filter], conditions: &mut _| {
            filters.iter().map(|filter| Self::new(filter, conditions)).collect::<Result<Vec<_>>>()
        };
        Ok(match filter {
            Filter::All => Self::And(Vec::new()),
            Filter::Contains(needle) => match Needle::parse(needle.as_str()) {
                Ok(needle @ Needle::Object(_)) => Self::Contains(needle),
                // Metadata is an object, and a damaged needle is contained in nothing.
                _ => Self::Or(Vec::new()),
            },
            Filter::Metadata { path, test } => {
                conditions.push((path, test));
                Self::Condition(conditions.len() - 1)
            }
            Filter::Field(_) => {
                let message = "filter on a memory's own field: expected conditions on metadata only";
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
            Filter::And(all) => Self::And(parts(all, conditions)?),
            Filter::Or(any) => Self::Or(parts(any, conditions)?),
            Filter::Not(inner) => Self::Not(Box::new(Self::new(inner, conditions)?)),
        })
    }
}

/// The evaluation of a filter for one document.
///
/// The first walk shows whether the document is JSON. If it is not, the whole filter has no answer but no.
struct Evaluation<'a, 'g> {
    conditions: &'a Conditions,
    start: Scanner<'a>,
    walk: Walk<'a, 'g>,
    /// How long the document is, once a walk was through.
    walked: Option<usize>,
    /// Which conditions it fulfils, once one of them was asked for.
    met: Option<Marks>,
}

impl Evaluation<'_, '_> {
    fn answer(mut self, root: &Part) -> Scan<bool> {
        if self.start.kind()? != Kind::Object {
            return Ok(false);
        }
        let selected = self.selects(root)?;
        if self.walked.is_none() {
            self.walk(|walk| walk.scan.skip_value(0))?;
        }
        Ok(selected)
    }

    fn selects(&mut self, part: &Part) -> Scan<bool> {
        match part {
            Part::Contains(needle) => self.walk(|walk| walk.contains(needle)),
            Part::Condition(number) => self.fulfils(*number),
            Part::And(all) => {
                for part in all {
                    if !self.selects(part)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Part::Or(any) => {
                for part in any {
                    if self.selects(part)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Part::Not(inner) => Ok(!self.selects(inner)?),
        }
    }

    fn fulfils(&mut self, condition: usize) -> Scan<bool> {
        if self.met.is_none() {
            let conditions = self.conditions;
            self.met = Some(self.walk(|walk| conditions.met(walk))?);
        }
        Ok(self.met.as_ref().is_some_and(|met| met.is_set(condition)))
    }

    /// Walks over the document, and asks whether to go on if that was done before.
    fn walk<T>(&mut self, over: impl FnOnce(&mut Walk<'_, '_>) -> Scan<T>) -> Scan<T> {
        self.walk.scan = self.start;
        if let Some(len) = self.walked {
            self.walk.ask(len)?;
        }
        let answer = over(&mut self.walk)?;
        self.walk.scan.end()?;
        self.walked = Some(self.walk.scan.at());
        Ok(answer)
    }
}
