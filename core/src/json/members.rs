//! Members of objects to look for.

use super::leaf::{FEW, compare_bytes};
use super::scan::{Kind, Scan, Scanner};
use super::string::RawString;

/// Keys to look for and what is asked of their values: at most one for a key, ordered by length in bytes, then by bytes.
#[derive(Clone)]
pub(crate) struct Members<V> {
    members: Vec<(Box<[u8]>, V)>,
}

impl<V> Members<V> {
    /// Returns the members, of those with equal keys the last.
    pub(crate) fn new(mut members: Vec<(Box<[u8]>, V)>) -> Self {
        // Canonical text is in order and has no equal keys, but nothing here depends on that: the sort is stable, and of equal
        // keys the last stays.
        members.sort_by(|(a, _), (b, _)| compare_bytes(a, b));
        members.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        Self { members }
    }

    /// Steps over an object, whose values `value` reads.
    pub(crate) fn read(
        scan: &mut Scanner<'_>,
        depth: usize,
        value: fn(&mut Scanner<'_>, usize) -> Scan<V>,
    ) -> Scan<Self> {
        let mut members = Vec::new();
        scan.open(depth)?;
        if !scan.close(Kind::Object) {
            loop {
                let key = scan.key()?.unescape();
                members.push((key, value(scan, depth + 1)?));
                if !scan.comma_or_close(Kind::Object)? {
                    break;
                }
            }
        }
        Ok(Self::new(members))
    }

    /// Returns how many members are asked for.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns the keys and what is asked of their values.
    pub(crate) fn into_members(self) -> impl Iterator<Item = (Box<[u8]>, V)> {
        self.members.into_iter()
    }

    /// Returns what is asked of the values.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.members.iter().map(|(_, value)| value)
    }

    /// Returns the number of the member with this key, and what is asked of its value.
    #[inline]
    pub(crate) fn find(&self, key: &RawString<'_>) -> Option<(usize, &V)> {
        let index = match &*self.members {
            // The usual needle asks for one member or two: comparing lengths settles most keys.
            members if members.len() <= FEW => members.iter().position(|(member, _)| key.equals(member))?,
            members => members.binary_search_by(|(member, _)| key.compare(member).reverse()).ok()?,
        };
        Some((index, &self.members[index].1))
    }
}
