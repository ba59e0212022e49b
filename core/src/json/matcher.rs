//! Containment: PostgreSQL's `jsonb @> jsonb` over the text of a document.

use std::fmt;

use super::Json;
use super::fault::Reason;
use super::needle::{Elements, Members, Needle, Scalar};
use super::scan::{Kind, Scan, Scanner};

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
        let mut walk = Walk { scan: Scanner::new(document.as_bytes()), go_on, walked_again: 0, ended: false };
        let contains = walk.root(needle).unwrap_or(false);
        if walk.ended { None } else { Some(contains) }
    }
}

impl fmt::Debug for Matcher {
    /// Writes the name only: what somebody searches for is content, and content stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matcher").finish_non_exhaustive()
    }
}

/// One walk over one document.
///
/// Each method requires the cursor at the first byte of a value, returns whether the value contains what is asked for,
/// and leaves the cursor behind the value. A value is read to its end even where the answer is known: a later duplicate
/// of a key may change it, and a malformed document has no matches.
struct Walk<'a, 'g> {
    scan: Scanner<'a>,
    go_on: &'g mut dyn FnMut() -> bool,
    /// Bytes walked more than once since `go_on` was asked.
    walked_again: usize,
    /// Whether `go_on` said no.
    ended: bool,
}

/// After so many bytes walked again, `go_on` is asked: some 50 µs of work.
const ASK_AFTER: usize = 64 << 10;

impl Walk<'_, '_> {
    fn root(&mut self, needle: &Needle) -> Scan<bool> {
        self.scan.skip_space();
        let contains = match needle {
            // PostgreSQL holds a scalar at the root as an array of one element, marked as such; so an array contains
            // it.
            Needle::Scalar(scalar) if self.scan.kind()? == Kind::Array => self.any_element(scalar)?,
            needle => self.value(needle, 0)?,
        };
        self.scan.end()?;
        Ok(contains)
    }

    fn value(&mut self, needle: &Needle, depth: usize) -> Scan<bool> {
        match needle {
            Needle::Scalar(scalar) => self.scalar(scalar, depth),
            Needle::Array(elements) => self.array(elements, depth),
            Needle::Object(members) => self.object(members, depth),
        }
    }

    #[inline]
    fn scalar(&mut self, scalar: &Scalar, depth: usize) -> Scan<bool> {
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
        self.scan.open(0)?;
        if !self.scan.close(Kind::Array) {
            loop {
                found |= self.scalar(scalar, 1)?;
                if !self.scan.comma_or_close(Kind::Array)? {
                    break;
                }
            }
        }
        Ok(found)
    }

    fn object(&mut self, members: &Members, depth: usize) -> Scan<bool> {
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
                        let contains = self.value(needle, depth + 1)?;
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
        if self.scan.kind()? != Kind::Array || elements.len() == 0 {
            return self.only_kind(Kind::Array, depth);
        }
        let mut met = Marks::new(elements.len());
        self.scan.open(depth)?;
        if !self.scan.close(Kind::Array) {
            loop {
                self.element(elements, &mut met, depth + 1)?;
                if !self.scan.comma_or_close(Kind::Array)? {
                    break;
                }
            }
        }
        Ok(met.all())
    }

    /// Marks those of `elements` that the element at the cursor contains.
    fn element(&mut self, elements: &Elements, met: &mut Marks, depth: usize) -> Scan<()> {
        let found = match self.scan.kind()? {
            Kind::Null => {
                self.scan.null()?;
                elements.find_word(None)
            }
            Kind::Bool => elements.find_word(Some(self.scan.boolean()?)),
            Kind::Number => elements.find_number(&self.scan.number()?),
            Kind::String => elements.find_string(&self.scan.string()?),
            Kind::Array => {
                let first = elements.first_array();
                return self.container(&elements.arrays, first, met, depth, Self::array);
            }
            Kind::Object => {
                let first = elements.first_object();
                return self.container(&elements.objects, first, met, depth, Self::object);
            }
        };
        if let Some(number) = found {
            met.set(number, true);
        }
        Ok(())
    }

    /// Marks those of `needles`, numbered from `first`, that the container at the cursor contains.
    fn container<N>(
        &mut self,
        needles: &[N],
        first: usize,
        met: &mut Marks,
        depth: usize,
        contains: fn(&mut Self, &N, usize) -> Scan<bool>,
    ) -> Scan<()> {
        let start = self.scan;
        let mut walked = false;
        for (number, needle) in (first..).zip(needles) {
            if !met.is_set(number) {
                self.scan = start;
                if contains(self, needle, depth)? {
                    met.set(number, true);
                }
                if walked {
                    self.ask(self.scan.at() - start.at())?;
                }
                walked = true;
            }
        }
        if walked { Ok(()) } else { self.scan.skip_value(depth) }
    }

    /// Asks whether to go on, now and then. A fault ends the walk, whatever it says.
    fn ask(&mut self, walked_again: usize) -> Scan<()> {
        self.walked_again += walked_again;
        if self.walked_again < ASK_AFTER {
            return Ok(());
        }
        self.walked_again = 0;
        self.ended = !(self.go_on)();
        if self.ended { self.scan.fault(Reason::Interrupted) } else { Ok(()) }
    }

    /// Reports whether the value is of this kind, which is all that is asked for.
    fn only_kind(&mut self, kind: Kind, depth: usize) -> Scan<bool> {
        let found = self.scan.kind()?;
        self.scan.skip_value(depth)?;
        Ok(found == kind)
    }
}

/// Keeps track of which things asked for were met.
enum Marks {
    /// The unmet ones as bits: zero when all are met.
    Few(u64),
    /// The same for more than 64.
    Many(Vec<u64>),
}

impl Marks {
    /// Returns marks for `len` things, at least one, none of them met.
    #[inline]
    fn new(len: usize) -> Self {
        let unmet = |len| u64::MAX >> (64 - len);
        if len <= 64 {
            return Self::Few(unmet(len));
        }
        let mut words = vec![u64::MAX; len.div_ceil(64)];
        if let Some(last) = words.last_mut() {
            *last = unmet((len - 1) % 64 + 1);
        }
        Self::Many(words)
    }

    #[inline]
    fn set(&mut self, number: usize, met: bool) {
        let bit = 1 << (number % 64);
        let word = match self {
            Self::Few(word) => word,
            Self::Many(words) => &mut words[number / 64],
        };
        *word = if met { *word & !bit } else { *word | bit };
    }

    fn is_set(&self, number: usize) -> bool {
        let word = match self {
            Self::Few(word) => *word,
            Self::Many(words) => words[number / 64],
        };
        word & 1 << (number % 64) == 0
    }

    #[inline]
    fn all(&self) -> bool {
        match self {
            Self::Few(word) => *word == 0,
            Self::Many(words) => words.iter().all(|&word| word == 0),
        }
    }
}
