//! Equality: PostgreSQL's `jsonb = jsonb` over the text of a document.

use super::Json;
use super::leaf::{Leaf, Scalar, Scalars};
use super::marks::Marks;
use super::members::Members;
use super::scan::{Kind, Scan, Scanner};
use super::walk::Walk;

/// A value that a value of a document must equal.
#[derive(Clone)]
pub(crate) enum Exact {
    Scalar(Scalar),
    Array(ExactArray),
    Object(Members<Exact>),
}

/// The elements that an array must have, in this order.
#[derive(Clone)]
pub(crate) struct ExactArray {
    elements: Vec<Exact>,
}

/// Values of which a value of a document must equal one.
///
/// Each has a number below [`len`](Self::len): scalars, arrays, objects.
#[derive(Clone, Default)]
pub(crate) struct ExactSet {
    scalars: Scalars,
    arrays: Vec<ExactArray>,
    objects: Vec<Members<Exact>>,
}

impl Exact {
    /// Returns the value; none where it is no JSON, as a damaged one may be: nothing equals it.
    pub(crate) fn new(json: &Json) -> Option<Self> {
        let mut scan = Scanner::new(json.as_str().as_bytes());
        scan.skip_space();
        let value = Self::read(&mut scan, 0).ok()?;
        scan.end().ok()?;
        Some(value)
    }

    fn read(scan: &mut Scanner<'_>, depth: usize) -> Scan<Self> {
        Ok(match Leaf::read(scan)? {
            Ok(leaf) => Self::Scalar(Scalar::new(&leaf)),
            Err(Kind::Object) => Self::Object(Members::read(scan, depth, Self::read)?),
            Err(_) => Self::Array(ExactArray::read(scan, depth)?),
        })
    }
}

impl ExactArray {
    fn read(scan: &mut Scanner<'_>, depth: usize) -> Scan<Self> {
        let mut elements = Vec::new();
        scan.open(depth)?;
        if !scan.close(Kind::Array) {
            loop {
                elements.push(Exact::read(scan, depth + 1)?);
                if !scan.comma_or_close(Kind::Array)? {
                    break;
                }
            }
        }
        Ok(Self { elements })
    }
}

impl ExactSet {
    /// Returns the set of these values.
    pub(crate) fn new(values: impl IntoIterator<Item = Exact>) -> Self {
        let mut set = Self::default();
        for value in values {
            match value {
                Exact::Scalar(scalar) => set.scalars.push(scalar),
                Exact::Array(array) => set.arrays.push(array),
                Exact::Object(object) => set.objects.push(object),
            }
        }
        set.scalars.sort();
        set
    }

    /// Returns how many values there are.
    pub(crate) fn len(&self) -> usize {
        self.scalars.len() + self.arrays.len() + self.objects.len()
    }
}

impl Walk<'_, '_> {
    /// Reports whether the value equals another.
    #[inline]
    pub(crate) fn equals(&mut self, wanted: &Exact, depth: usize) -> Scan<bool> {
        match wanted {
            Exact::Scalar(scalar) => self.scalar(scalar, depth),
            Exact::Array(array) => self.equals_array(array, depth),
            Exact::Object(members) => self.equals_object(members, depth),
        }
    }

    /// Reports whether the value equals one of a set.
    pub(crate) fn equals_one(&mut self, set: &ExactSet, depth: usize) -> Scan<bool> {
        match Leaf::read(&mut self.scan)? {
            Ok(leaf) => Ok(set.scalars.find(&leaf).is_some()),
            Err(Kind::Object) => self.is_one(&set.objects, depth, Self::equals_object),
            Err(_) => self.is_one(&set.arrays, depth, Self::equals_array),
        }
    }

    /// Marks the one of a set that equals the value.
    pub(crate) fn mark_equal(&mut self, set: &ExactSet, met: &mut Marks, depth: usize) -> Scan<()> {
        let first = set.scalars.len();
        match Leaf::read(&mut self.scan)? {
            Ok(leaf) => {
                if let Some(number) = set.scalars.find(&leaf) {
                    met.set(number, true);
                }
                Ok(())
            }
            Err(Kind::Object) => {
                self.container(&set.objects, first + set.arrays.len(), met, depth, Self::equals_object)
            }
            Err(_) => self.container(&set.arrays, first, met, depth, Self::equals_array),
        }
    }

    fn is_one<N>(&mut self, wanted: &[N], depth: usize, equals: fn(&mut Self, &N, usize) -> Scan<bool>) -> Scan<bool> {
        let start = self.scan;
        for (number, wanted) in wanted.iter().enumerate() {
            self.scan = start;
            let equals = equals(self, wanted, depth)?;
            if number > 0 {
                self.ask(self.scan.at() - start.at())?;
            }
            if equals {
                return Ok(true);
            }
        }
        if wanted.is_empty() {
            self.scan.skip_value(depth)?;
        }
        Ok(false)
    }

    fn equals_array(&mut self, array: &ExactArray, depth: usize) -> Scan<bool> {
        let mut wanted = array.elements.iter();
        let mut equal = true;
        let is_array = self.elements(depth, |walk, depth| {
            match wanted.next() {
                Some(wanted) if equal => equal = walk.equals(wanted, depth)?,
                _ => {
                    equal = false;
                    walk.scan.skip_value(depth)?;
                }
            }
            Ok(())
        })?;
        Ok(is_array && equal && wanted.next().is_none())
    }

    fn equals_object(&mut self, members: &Members<Exact>, depth: usize) -> Scan<bool> {
        if self.scan.kind()? != Kind::Object {
            return self.only_kind(Kind::Object, depth);
        }
        let mut met = Marks::new(members.len());
        let mut no_others = true;
        self.scan.open(depth)?;
        if !self.scan.close(Kind::Object) {
            loop {
                let key = self.scan.key()?;
                if let Some((number, wanted)) = members.find(&key) {
                    // Set or cleared: of duplicate keys the last counts.
                    let equal = self.equals(wanted, depth + 1)?;
                    met.set(number, equal);
                } else {
                    no_others = false;
                    self.scan.skip_value(depth + 1)?;
                }
                if !self.scan.comma_or_close(Kind::Object)? {
                    break;
                }
            }
        }
        Ok(no_others && met.all())
    }
}
