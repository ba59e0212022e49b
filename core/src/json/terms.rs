//! The terms of a document: what an index may hold of it.
//!
//! # Layout of version 1
//!
//! Frozen: terms stand on disk. Each hash is SipHash-1-3 of 64 bits under the seed as its key, of these bytes: the hash of the
//! place in 8 bytes, the lowest first; a byte that says what is hashed; and what that byte asks for.
//!
//! | byte | hash of | place | what follows |
//! |---|---|---|---|
//! | 0 | a namespace: the place of the root | 0 | its bytes |
//! | 1 | the place of a member's value | of the object | the key's bytes, unescaped |
//! | 2 | the leaf `null` | its own | nothing |
//! | 3 | the leaf `false` | its own | nothing |
//! | 4 | the leaf `true` | its own | nothing |
//! | 5 | a number as leaf | its own | 1 if negative, else 0; `w` in 8 bytes, the lowest first; `digits` |
//! | 6 | a string as leaf | its own | its bytes, unescaped |
//! | 7 | that there is an object | its own | nothing |
//! | 8 | that there is an array | its own | nothing |
//! | 9 | a shape | of the root | the path hashes, sorted as signed numbers, each once, each in 8 bytes, the lowest first |
//! | 10 | that a text is not the canonical one of an object | of the root | nothing |
//!
//! Elements of an array stand at the place of the array. A number is `0.digits * 10^w`, the digits in ASCII and without zeros at
//! either end; zero is not negative, has `w` 0 and no digits. Halves of surrogate pairs and NUL, which only other programs write,
//! take the bytes that UTF-8 would give them.
//!
//! The path hashes of a document are, below the root, the places of all members' values, and the hashes 7 and 8 of all objects
//! and arrays, elements of arrays included. The term of a leaf hash or a path hash is its upper half.

#[cfg(test)]
mod tests;

use std::fmt;

use siphasher::sip::SipHasher13;

use super::canonical::is_canonical;
use super::leaf::Leaf;
use super::scan::{Kind, Scan, Scanner};
use super::string::RawString;
use crate::Namespace;

/// Makes terms: numbers that stand for what a document holds. Frozen: an index on disk names the version.
///
/// A leaf term is a hash of the namespace, the keys down to a scalar (arrays on the way add nothing, as in PostgreSQL's
/// `jsonb_path_ops`), its type and its value in one form that equal values share. A path term is a hash of the namespace, the
/// keys down to a value, and whether that is anything at all, an object, or an array. Hashes are seeded, at random for each
/// database, so that nobody can make values that share a term.
#[derive(Clone)]
pub struct TermHasher {
    sip: SipHasher13,
}

impl TermHasher {
    /// The version of the terms. An index of another version is of no use.
    pub const VERSION: u32 = 1;

    /// Returns what makes the terms of a database with this seed.
    pub fn new(seed: [u8; 16]) -> Self {
        Self { sip: SipHasher13::new_with_key(&seed) }
    }

    /// Returns what makes the terms of one namespace.
    pub fn namespace(&self, namespace: &Namespace) -> NamespaceTerms {
        let message = &mut Vec::new();
        begin(message, Place(0), What::Namespace);
        message.extend_from_slice(namespace.as_str().as_bytes());
        NamespaceTerms { sip: self.sip, root: Place(self.sip.hash(message)) }
    }
}

impl fmt::Debug for TermHasher {
    /// Writes the name only: who knows the seed can make values that share a term.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TermHasher").finish_non_exhaustive()
    }
}

/// Makes the terms of documents of one namespace.
#[derive(Clone)]
pub struct NamespaceTerms {
    sip: SipHasher13,
    root: Place,
}

/// Is the terms of one document. Reused, it allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct DocumentTerms {
    /// The leaf terms, sorted, each once.
    pub leaves: Vec<i32>,
    /// The path terms, sorted, each once.
    pub paths: Vec<i32>,
    /// Stands for the set of path terms: documents with the same one have the same paths.
    pub shape: i64,
    /// Whether the text is the canonical one of a JSON object, as all of our own writes are.
    pub is_canonical: bool,
    path_hashes: Vec<i64>,
    message: Vec<u8>,
}

impl NamespaceTerms {
    /// Reads the terms of a document, a JSON text in UTF-8, into `terms`, and returns whether it is a JSON object at all. What
    /// is not has no terms, and no filter selects it.
    ///
    /// Of duplicate keys, which only other programs write, each gives its terms.
    pub fn read(&self, document: &[u8], terms: &mut DocumentTerms) -> bool {
        terms.clear();
        let is_object = std::str::from_utf8(document).is_ok() && self.read_root(document, terms).unwrap_or(false);
        if !is_object {
            terms.clear();
        }
        terms.finish(self);
        terms.is_canonical = is_object && std::str::from_utf8(document).is_ok_and(is_canonical);
        is_object
    }

    /// Returns the term of documents whose text is not the canonical one of a JSON object.
    pub fn uncanonical(&self) -> i32 {
        let message = &mut Vec::new();
        begin(message, self.root, What::Uncanonical);
        term(self.sip.hash(message))
    }

    /// Returns a number that stands for the namespace.
    pub fn space(&self) -> i32 {
        term(self.root.0)
    }

    /// Returns the place of the root.
    pub(crate) fn root(&self) -> Place {
        self.root
    }

    /// Returns the place of the value of a key in an object at `place`.
    pub(crate) fn member(&self, place: Place, key: &RawString<'_>, message: &mut Vec<u8>) -> Place {
        begin(message, place, What::Member);
        key.write_unescaped(message);
        Place(self.sip.hash(message))
    }

    /// Returns the leaf term of a scalar at `place`.
    pub(crate) fn leaf(&self, place: Place, leaf: &Leaf<'_>, message: &mut Vec<u8>) -> i32 {
        match leaf {
            Leaf::Word(None) => begin(message, place, What::Null),
            Leaf::Word(Some(false)) => begin(message, place, What::False),
            Leaf::Word(Some(true)) => begin(message, place, What::True),
            Leaf::Number(number) => {
                begin(message, place, What::Number);
                number.write_value(message);
            }
            Leaf::String(string) => {
                begin(message, place, What::String);
                string.write_unescaped(message);
            }
        }
        term(self.sip.hash(message))
    }

    /// Returns the path term of an object at `place`.
    pub(crate) fn object(&self, place: Place) -> i32 {
        term(self.container(place, What::Object, &mut Vec::new()))
    }

    /// Returns the path term of an array at `place`.
    pub(crate) fn array(&self, place: Place) -> i32 {
        term(self.container(place, What::Array, &mut Vec::new()))
    }

    fn container(&self, place: Place, what: What, message: &mut Vec<u8>) -> u64 {
        begin(message, place, what);
        self.sip.hash(message)
    }

    fn read_root(&self, document: &[u8], terms: &mut DocumentTerms) -> Scan<bool> {
        let mut scan = Scanner::new(document);
        scan.skip_space();
        if scan.kind()? != Kind::Object {
            return Ok(false);
        }
        self.read_members(&mut scan, self.root, terms, 0)?;
        scan.end()?;
        Ok(true)
    }

    fn read_members(&self, scan: &mut Scanner<'_>, place: Place, terms: &mut DocumentTerms, depth: usize) -> Scan<()> {
        scan.open(depth)?;
        if !scan.close(Kind::Object) {
            loop {
                let member = self.member(place, &scan.key()?, &mut terms.message);
                terms.path_hashes.push(member.0.cast_signed());
                self.read_value(scan, member, terms, depth + 1)?;
                if !scan.comma_or_close(Kind::Object)? {
                    break;
                }
            }
        }
        Ok(())
    }

    fn read_value(&self, scan: &mut Scanner<'_>, place: Place, terms: &mut DocumentTerms, depth: usize) -> Scan<()> {
        let kind = match Leaf::read(scan)? {
            Ok(leaf) => {
                terms.leaves.push(self.leaf(place, &leaf, &mut terms.message));
                return Ok(());
            }
            Err(kind) => kind,
        };
        let what = if kind == Kind::Object { What::Object } else { What::Array };
        let path = self.container(place, what, &mut terms.message);
        terms.path_hashes.push(path.cast_signed());
        match kind {
            Kind::Object => self.read_members(scan, place, terms, depth),
            _ => self.read_elements(scan, place, terms, depth),
        }
    }

    fn read_elements(&self, scan: &mut Scanner<'_>, place: Place, terms: &mut DocumentTerms, depth: usize) -> Scan<()> {
        scan.open(depth)?;
        if !scan.close(Kind::Array) {
            loop {
                self.read_value(scan, place, terms, depth + 1)?;
                if !scan.comma_or_close(Kind::Array)? {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for NamespaceTerms {
    /// Writes the name only, as of [`TermHasher`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamespaceTerms").finish_non_exhaustive()
    }
}

impl DocumentTerms {
    fn clear(&mut self) {
        self.leaves.clear();
        self.path_hashes.clear();
    }

    fn finish(&mut self, terms: &NamespaceTerms) {
        self.leaves.sort_unstable();
        self.leaves.dedup();
        self.path_hashes.sort_unstable();
        self.path_hashes.dedup();
        self.paths.clear();
        self.paths.extend(self.path_hashes.iter().map(|hash| term(hash.cast_unsigned())));
        // The upper halves of sorted hashes are sorted.
        self.paths.dedup();
        begin(&mut self.message, terms.root, What::Shape);
        self.message.extend(self.path_hashes.iter().flat_map(|hash| hash.to_le_bytes()));
        self.shape = terms.sip.hash(&self.message).cast_signed();
    }
}

/// Stands for the namespace and the keys down to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u64);

impl Place {
    /// Returns the path term of anything here.
    pub(crate) fn anything(self) -> i32 {
        term(self.0)
    }
}

/// Says what is hashed. Frozen.
#[derive(Clone, Copy)]
enum What {
    Namespace = 0,
    Member = 1,
    Null = 2,
    False = 3,
    True = 4,
    Number = 5,
    String = 6,
    Object = 7,
    Array = 8,
    Shape = 9,
    Uncanonical = 10,
}

fn begin(message: &mut Vec<u8>, place: Place, what: What) {
    message.clear();
    message.extend_from_slice(&place.0.to_le_bytes());
    message.push(what as u8);
}

fn term(hash: u64) -> i32 {
    let upper = u32::try_from(hash >> 32).expect("32 bits are left");
    upper.cast_signed()
}
