//! Conditions on the values at paths, all of which one walk over a document looks at.

use std::collections::BTreeMap;

use super::{Path, Relation, SizeTest, Step, Test};
use crate::json::exact::{Exact, ExactSet};
use crate::json::leaf::{Leaf, Scalar};
use crate::json::marks::Marks;
use crate::json::members::Members;
use crate::json::needle::Needle;
use crate::json::scan::{Kind, Scan, Scanner};
use crate::json::walk::Walk;

/// Is conditions to compile.
#[derive(Default)]
pub(super) struct ConditionList {
    conditions: Vec<(Vec<Place>, Compiled)>,
}

/// Is one step to a value.
enum Place {
    Key(Box<[u8]>),
    Index(usize),
}

/// Is conditions by path. Each has a number.
#[derive(Clone)]
pub(super) struct Conditions {
    count: usize,
    root: Node,
}

/// Is what conditions ask of one place of a document, and below it.
#[derive(Clone)]
struct Node {
    /// By the numbers of their conditions.
    tests: Vec<(usize, Compiled)>,
    members: Members<Node>,
    /// Sorted by index.
    elements: Vec<(usize, Node)>,
    /// How many conditions there are here and below.
    size: usize,
}

/// Is a [`Test`], or a containment, ready to look at values as they are spelt.
#[derive(Clone)]
enum Compiled {
    Exists,
    /// Nothing passes.
    Never,
    Contains(Needle),
    Equals(Exact),
    In(ExactSet),
    Compare(Relation, Scalar),
    Prefix(Box<[u8]>),
    Any(ExactSet),
    All(ExactSet),
    Size(SizeTest),
}

impl ConditionList {
    /// Adds a test of the value at a path, and returns its number.
    pub(super) fn add(&mut self, path: &Path, test: &Test) -> usize {
        let place = |step: &Step| match step {
            Step::Key(key) => Place::Key(key.as_bytes().into()),
            Step::Index(index) => Place::Index(*index as usize),
        };
        self.push(path.steps().iter().map(place).collect(), Compiled::new(test))
    }

    /// Adds that the value of a key of the root contains a needle, and returns its number.
    pub(super) fn add_containment(&mut self, key: Box<[u8]>, needle: Needle) -> usize {
        self.push(vec![Place::Key(key)], Compiled::Contains(needle))
    }

    fn push(&mut self, path: Vec<Place>, test: Compiled) -> usize {
        self.conditions.push((path, test));
        self.conditions.len() - 1
    }
}

impl Conditions {
    pub(super) fn new(list: ConditionList) -> Self {
        let numbered = list.conditions.into_iter().enumerate();
        let conditions: Vec<_> = numbered.map(|(number, (path, test))| (path.into_iter(), (number, test))).collect();
        Self { count: conditions.len(), root: Node::new(conditions) }
    }

    /// Returns which of the conditions the document at the cursor fulfils.
    pub(super) fn met(&self, walk: &mut Walk<'_, '_>) -> Scan<Marks> {
        let mut met = Marks::new(self.count);
        self.root.visit(walk, &mut met, 0)?;
        Ok(met)
    }
}

impl Node {
    /// Returns what conditions ask, the paths being what is left of them from here.
    fn new(conditions: Vec<(std::vec::IntoIter<Place>, (usize, Compiled))>) -> Self {
        let size = conditions.len();
        let mut tests = Vec::new();
        let mut keys: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut indexes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (mut path, test) in conditions {
            match path.next() {
                None => tests.push(test),
                Some(Place::Key(key)) => keys.entry(key).or_default().push((path, test)),
                Some(Place::Index(index)) => indexes.entry(index).or_default().push((path, test)),
            }
        }
        Self {
            tests,
            members: Members::new(keys.into_iter().map(|(key, below)| (key, Self::new(below))).collect()),
            elements: indexes.into_iter().map(|(index, below)| (index, Self::new(below))).collect(),
            size,
        }
    }

    /// Steps over the value at the cursor and marks those conditions that it fulfils.
    ///
    /// Requires that none of them is marked.
    fn visit(&self, walk: &mut Walk<'_, '_>, met: &mut Marks, depth: usize) -> Scan<()> {
        let start = walk.scan;
        let mut walked = None;
        for (number, test) in &self.tests {
            rewind(walk, start, walked)?;
            met.set(*number, test.passes(walk, depth)?);
            walked = Some(walk.scan.at() - start.at());
        }
        match start.kind()? {
            Kind::Object if self.members.len() > 0 => {
                rewind(walk, start, walked)?;
                self.visit_members(walk, met, depth)
            }
            Kind::Array if !self.elements.is_empty() => {
                rewind(walk, start, walked)?;
                self.visit_elements(walk, met, depth)
            }
            _ if walked.is_none() => walk.scan.skip_value(depth),
            _ => Ok(()),
        }
    }

    fn visit_members(&self, walk: &mut Walk<'_, '_>, met: &mut Marks, depth: usize) -> Scan<()> {
        walk.scan.open(depth)?;
        if walk.scan.close(Kind::Object) {
            return Ok(());
        }
        loop {
            let key = walk.scan.key()?;
            match self.members.find(&key) {
                Some((_, node)) => {
                    // Of duplicate keys the last counts.
                    node.unmark(met);
                    walk.ask(node.size)?;
                    node.visit(walk, met, depth + 1)?;
                }
                None => walk.scan.skip_value(depth + 1)?,
            }
            if !walk.scan.comma_or_close(Kind::Object)? {
                return Ok(());
            }
        }
    }

    fn visit_elements(&self, walk: &mut Walk<'_, '_>, met: &mut Marks, depth: usize) -> Scan<()> {
        let mut wanted = self.elements.iter().peekable();
        let mut at = 0;
        walk.elements(depth, |walk, depth| {
            let node = wanted.next_if(|(index, _)| *index == at);
            at += 1;
            match node {
                Some((_, node)) => node.visit(walk, met, depth),
                None => walk.scan.skip_value(depth),
            }
        })?;
        Ok(())
    }

    fn unmark(&self, met: &mut Marks) {
        for (number, _) in &self.tests {
            met.set(*number, false);
        }
        let below = self.members.values().chain(self.elements.iter().map(|(_, node)| node));
        below.for_each(|node| node.unmark(met));
    }
}

/// Goes back to the first byte of a value, which was walked over if it has a length by now.
#[inline]
fn rewind<'a>(walk: &mut Walk<'a, '_>, start: Scanner<'a>, len: Option<usize>) -> Scan<()> {
    walk.scan = start;
    len.map_or(Ok(()), |len| walk.ask(len))
}

impl Compiled {
    fn new(test: &Test) -> Self {
        match test {
            Test::Exists => Self::Exists,
            Test::Eq(wanted) => Exact::new(wanted).map_or(Self::Never, Self::Equals),
            Test::In(wanted) => Self::In(ExactSet::new(wanted.iter().filter_map(Exact::new))),
            Test::Compare(relation, bound) => match Exact::new(bound.as_json()) {
                Some(Exact::Scalar(scalar)) => Self::Compare(*relation, scalar),
                _ => Self::Never,
            },
            Test::Prefix(prefix) => Self::Prefix(prefix.as_str().as_bytes().into()),
            Test::Any(wanted) => Self::Any(ExactSet::new(wanted.iter().filter_map(Exact::new))),
            Test::All(wanted) => match wanted.iter().map(Exact::new).collect::<Option<Vec<_>>>() {
                Some(wanted) => Self::All(ExactSet::new(wanted)),
                None => Self::Never,
            },
            Test::Size(size) => Self::Size(*size),
        }
    }

    /// Steps over the value at the cursor and returns whether it passes.
    fn passes(&self, walk: &mut Walk<'_, '_>, depth: usize) -> Scan<bool> {
        match self {
            Self::Exists => walk.scan.skip_value(depth).map(|()| true),
            Self::Never => walk.scan.skip_value(depth).map(|()| false),
            Self::Contains(needle) => walk.contains(needle, depth),
            Self::Equals(wanted) => walk.equals(wanted, depth),
            Self::In(wanted) => walk.equals_one(wanted, depth),
            Self::Compare(relation, bound) => {
                let ordering = match (leaf(walk, depth)?, bound) {
                    (Some(Leaf::Number(number)), Scalar::Number(bound)) => Some(bound.order(&number)),
                    (Some(Leaf::String(string)), Scalar::String(bound)) => Some(string.order(bound)),
                    _ => None,
                };
                Ok(ordering.is_some_and(|ordering| relation.holds(ordering)))
            }
            Self::Prefix(prefix) => {
                Ok(matches!(leaf(walk, depth)?, Some(Leaf::String(string)) if string.starts_with(prefix)))
            }
            Self::Any(wanted) => {
                let mut found = false;
                walk.elements(depth, |walk, depth| {
                    if found {
                        return walk.scan.skip_value(depth);
                    }
                    found = walk.equals_one(wanted, depth)?;
                    Ok(())
                })?;
                Ok(found)
            }
            Self::All(wanted) => {
                let mut met = Marks::new(wanted.len());
                let is_array = walk.elements(depth, |walk, depth| walk.mark_equal(wanted, &mut met, depth))?;
                Ok(is_array && met.all())
            }
            Self::Size(size) => {
                let mut count = 0;
                let is_array = walk.elements(depth, |walk, depth| {
                    count += 1;
                    walk.scan.skip_value(depth)
                })?;
                Ok(is_array && size.holds(count))
            }
        }
    }
}

/// Steps over the value at the cursor and returns it if it is a scalar.
fn leaf<'a>(walk: &mut Walk<'a, '_>, depth: usize) -> Scan<Option<Leaf<'a>>> {
    match Leaf::read(&mut walk.scan)? {
        Ok(leaf) => Ok(Some(leaf)),
        Err(_) => walk.scan.skip_value(depth).map(|()| None),
    }
}
