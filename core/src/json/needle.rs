//! Needles, compiled: what a document must hold, in the order in which a walk can look it up.

use super::leaf::{Leaf, Scalar, Scalars};
use super::members::Members;
use super::scan::{Kind, Scan, Scanner};

/// A value a document must contain.
#[derive(Clone)]
pub(crate) enum Needle {
    Scalar(Scalar),
    Array(Elements),
    Object(Members<Needle>),
}

/// The elements an array must have.
///
/// Each has a number below [`len`](Self::len), by which the matcher keeps track of those it has met: scalars, arrays, objects.
#[derive(Clone, Default)]
pub(crate) struct Elements {
    pub(crate) scalars: Scalars,
    pub(crate) arrays: Vec<Elements>,
    pub(crate) objects: Vec<Members<Needle>>,
}

impl Needle {
    /// Reads a needle.
    pub(crate) fn parse(text: &str) -> Scan<Self> {
        let mut scan = Scanner::new(text.as_bytes());
        scan.skip_space();
        let needle = Self::value(&mut scan, 0)?;
        scan.end()?;
        Ok(needle)
    }

    fn value(scan: &mut Scanner<'_>, depth: usize) -> Scan<Self> {
        Ok(match Leaf::read(scan)? {
            Ok(leaf) => Self::Scalar(Scalar::new(&leaf)),
            Err(Kind::Object) => Self::Object(Members::read(scan, depth, Self::value)?),
            Err(_) => Self::Array(Elements::read(scan, depth)?),
        })
    }
}

impl Elements {
    /// Returns how many elements are asked for.
    pub(crate) fn len(&self) -> usize {
        self.first_object() + self.objects.len()
    }

    /// Returns the number of the first element that is an array.
    pub(crate) fn first_array(&self) -> usize {
        self.scalars.len()
    }

    /// Returns the number of the first element that is an object.
    pub(crate) fn first_object(&self) -> usize {
        self.first_array() + self.arrays.len()
    }

    fn read(scan: &mut Scanner<'_>, depth: usize) -> Scan<Self> {
        let mut elements = Self::default();
        scan.open(depth)?;
        if !scan.close(Kind::Array) {
            loop {
                match Needle::value(scan, depth + 1)? {
                    Needle::Scalar(scalar) => elements.scalars.push(scalar),
                    Needle::Array(array) => elements.arrays.push(array),
                    Needle::Object(object) => elements.objects.push(object),
                }
                if !scan.comma_or_close(Kind::Array)? {
                    break;
                }
            }
        }
        // One element of a document may satisfy several of the needle.
        elements.scalars.sort();
        Ok(elements)
    }
}
