//! Containment: PostgreSQL's `jsonb @> jsonb` over the text of a document.

use std::fmt;

use super::Json;
use super::leaf::{Leaf, Scalar};
use super::marks::Marks;
use super::members::Members;
use super::needle::{Elements, Needle};
use super::scan::{Kind, Scan};
use super::walk::Walk;

/// Tells whether documents contain a needle, as PostgreSQL's `document @> needle` does.
///
/// A matcher is compiled once for a query and then walks the text of each document once, without building a tree: some
/// 160 ns for a document of 255 bytes. It allocates only where one array or object of the needle asks for more than 64
/// things.
///
/// The rules, which are those of PostgreSQL's `jsonb`:
///
/// - An object contains an object if it has each of its keys and the value there contains the value asked for. There is
///   no search in deeper levels, and a missing key is not `null`.
/// - An array contains an array if for each element asked for one of its elements contains it. Order and repetition
///   don't count; one element may serve for several.
/// - Scalars contain their equals: numbers by value (`1`, `1.0` and `10e-1` are one number, 2^53 and 2^53 + 1 are two),
///   strings by their bytes after unescaping, `true` is not `1`.
/// - A value of one kind never contains one of another, with one exception: at the root, an array contains a scalar
///   that is one of its elements.
///
/// # What counts as a document
///
/// Any text that is JSON by RFC 8259, canonical or not: white space, escapes and exponents may be spelt in any way, and
/// of duplicate keys the last counts. Other programs may write rows, so a document may even hold what [`Json`] refuses,
/// `\u0000` or a number of any size.
///
/// Everything else contains nothing, and no bytes make a matcher panic: the answer is false for a text that is not
/// JSON, that is not UTF-8, or whose containers are nested deeper than [`Json::MAX_DEPTH`].
///
/// # Cost
///
/// The walk is linear in the document, but where the needle has several arrays (or objects) in one array, each of them
/// is looked for in each such element of the document: at worst the product of both sizes. Scalars and keys are looked up
/// by binary search.
///
/// # Examples
///
/// ```
/// use polymnia::{Json, Matcher};
///
/// let matcher = Matcher::new(&Json::parse(r#"{"tags": ["ship"], "size": 1.0}"#)?);
/// assert!(matcher.matches(r#"{"size": 10e-1, "tags": ["crew", "\u0073hip"], "text": "..."}"#));
/// assert!(!matcher.matches(r#"{"size": 1, "tags": "ship"}"#));
/// # Ok::<(), polymnia::Error>(())
/// ```
#[derive(Clone)]
pub struct Matcher {
    /// `None` where the needle is no JSON, as a damaged row may be: nothing contains it.
    needle: Option<Needle>,
}

impl Matcher {
    /// Compiles `needle`.
    pub fn new(needle: &Json) -> Self {
        Self { needle: Needle::parse(needle.as_str()).ok() }
    }

    /// Reports whether `document`, a JSON text, contains the needle.
    pub fn matches(&self, document: &str) -> bool {
        self.walk(document, &mut || true).unwrap_or(false)
    }

    /// Reports whether `document`, a JSON text in UTF-8, contains the needle.
    pub fn matches_bytes(&self, document: &[u8]) -> bool {
        self.matches_while(document, &mut || true).unwrap_or(false)
    }

    /// Does what [`matches_bytes`](Self::matches_bytes) does as long as `go_on` says so, and returns `None` once it does
    /// not.
    ///
    /// It is asked about every 64 KiB of the work that can exceed the length of the document (see Cost above); never on
    /// a document whose walk is linear.
    pub fn matches_while(&self, document: &[u8], go_on: &mut dyn FnMut() -> bool) -> Option<bool> {
        match std::str::from_utf8(document) {
            Ok(document) => self.walk(document, go_on),
            Err(_) => Some(false),
        }
    }

    fn walk(&self, document: &str, go_on: &mut dyn FnMut() -> bool) -> Option<bool> {
        let Some(needle) = &self.needle else { return Some(false) };
        let mut walk = Walk::new(document, go_on);
        Walk::answer(walk.root_contains(needle).and_then(|contains| walk.scan.end().map(|()| contains)))
    }
}

impl fmt::Debug for Matcher {
    /// Writes the name only: what somebody searches for is content, and content stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matcher").finish_non_exhaustive()
    }
}

impl Walk<'_, '_> {
    /// Reports whether the root contains a needle.
    pub(crate) fn root_contains(&mut self, needle: &Needle) -> Scan<bool> {
        match needle {
            // PostgreSQL holds a scalar at the root as an array of one element, marked as such; so an array contains
            // it.
            Needle::Scalar(scalar) if self.scan.kind()? == Kind::Array => self.any_element(scalar),
            needle => self.contains(needle, 0),
        }
    }

    /// Reports whether the value contains a needle.
    pub(crate) fn contains(&mut self, needle: &Needle, depth: usize) -> Scan<bool> {
        match needle {
            Needle::Scalar(scalar) => self.scalar(scalar, depth),
            Needle::Array(elements) => self.array(elements, depth),
            Needle::Object(members) => self.object(members, depth),
        }
    }

    /// Reports whether the value equals a scalar.
    #[inline]
    pub(crate) fn scalar(&mut self, scalar: &Scalar, depth: usize) -> Scan<bool> {
        match (self.scan.kind()?, scalar) {
            (Kind::String, Scalar::String(text)) => Ok(self.scan.string()?.equals(text)),
            (Kind::Number, Scalar::Number(decimal)) => Ok(decimal.equals(&self.scan.number()?)),
            (Kind::Bool, Scalar::Word(word)) => Ok(Some(self.scan.boolean()?) == *word),
            (Kind::Null, Scalar::Word(word)) => {
                self.scan.null()?;
                Ok(word.is_none())
            }
            _ => {
                self.scan.skip_value(depth)?;
                Ok(false)
            }
        }
    }

    /// Reports whether the array at the root has `scalar` as an element.
    fn any_element(&mut self, scalar: &Scalar) -> Scan<bool> {
        let mut found = false;
        self.elements(0, |walk, depth| {
            found |= walk.scalar(scalar, depth)?;
            Ok(())
        })?;
        Ok(found)
    }

    pub(crate) fn object(&mut self, members: &Members<Needle>, depth: usize) -> Scan<bool> {
        if self.scan.kind()? != Kind::Object || members.len() == 0 {
            return self.only_kind(Kind::Object, depth);
        }
        let mut met = Marks::new(members.len());
        self.scan.open(depth)?;
        if !self.scan.close(Kind::Object) {
            loop {
                let key = self.scan.key()?;
                match members.find(&key) {
                    Some((number, needle)) => {
                        // Set or cleared: of duplicate keys the last counts.
                        let contains = self.contains(needle, depth + 1)?;
                        met.set(number, contains);
                    }
                    None => self.scan.skip_value(depth + 1)?,
                }
                if !self.scan.comma_or_close(Kind::Object)? {
                    break;
                }
            }
        }
        Ok(met.all())
    }

    fn array(&mut self, elements: &Elements, depth: usize) -> Scan<bool> {
        if elements.len() == 0 {
            return self.only_kind(Kind::Array, depth);
        }
        let mut met = Marks::new(elements.len());
        let is_array = self.elements(depth, |walk, depth| walk.element(elements, &mut met, depth))?;
        Ok(is_array && met.all())
    }

    /// Marks those of `elements` that the element at the cursor contains.
    fn element(&mut self, elements: &Elements, met: &mut Marks, depth: usize) -> Scan<()> {
        match Leaf::read(&mut self.scan)? {
            Ok(leaf) => {
                if let Some(number) = elements.scalars.find(&leaf) {
                    met.set(number, true);
                }
                Ok(())
            }
            Err(Kind::Object) => self.container(&elements.objects, elements.first_object(), met, depth, Self::object),
            Err(_) => self.container(&elements.arrays, elements.first_array(), met, depth, Self::array),
        }
    }
}
