//! Walks over documents: what all of them share.

use super::fault::{Fault, Reason};
use super::marks::Marks;
use super::scan::{Kind, Scan, Scanner};

/// One walk over one document.
///
/// Each method that asks something of a value requires the cursor at its first byte, and leaves the cursor behind it. A value is
/// read to its end even where the answer is known: a later duplicate of a key may change it, and a malformed document has no
/// matches.
pub(crate) struct Walk<'a, 'g> {
    pub(crate) scan: Scanner<'a>,
    go_on: &'g mut dyn FnMut() -> bool,
    /// Bytes walked more than once since `go_on` was asked.
    walked_again: usize,
}

/// After so many bytes walked again, `go_on` is asked: some 50 µs of work.
const ASK_AFTER: usize = 64 << 10;

impl<'a, 'g> Walk<'a, 'g> {
    /// Returns a walk at the first value of a text in UTF-8.
    #[inline]
    pub(crate) fn new(document: &'a str, go_on: &'g mut dyn FnMut() -> bool) -> Self {
        let mut scan = Scanner::new(document.as_bytes());
        scan.skip_space();
        Self { scan, go_on, walked_again: 0 }
    }

    /// Returns the answer of a walk: that of a malformed document is no, and a walk that was to end has none.
    pub(crate) fn answer(result: Scan<bool>) -> Option<bool> {
        match result {
            Ok(answer) => Some(answer),
            Err(Fault { reason: Reason::Interrupted, .. }) => None,
            Err(_) => Some(false),
        }
    }

    /// Asks whether to go on, now and then. A fault ends the walk, whatever it says.
    pub(crate) fn ask(&mut self, walked_again: usize) -> Scan<()> {
        self.walked_again += walked_again;
        if self.walked_again < ASK_AFTER {
            return Ok(());
        }
        self.walked_again = 0;
        if (self.go_on)() { Ok(()) } else { self.scan.fault(Reason::Interrupted) }
    }

    /// Reports whether the value is of this kind, which is all that is asked for.
    pub(crate) fn only_kind(&mut self, kind: Kind, depth: usize) -> Scan<bool> {
        let found = self.scan.kind()?;
        self.scan.skip_value(depth)?;
        Ok(found == kind)
    }

    /// Reports whether a value is an array, and visits its elements.
    #[inline]
    pub(crate) fn elements(&mut self, depth: usize, mut visit: impl FnMut(&mut Self, usize) -> Scan<()>) -> Scan<bool> {
        if self.scan.kind()? != Kind::Array {
            self.scan.skip_value(depth)?;
            return Ok(false);
        }
        self.scan.open(depth)?;
        if !self.scan.close(Kind::Array) {
            loop {
                visit(self, depth + 1)?;
                if !self.scan.comma_or_close(Kind::Array)? {
                    break;
                }
            }
        }
        Ok(true)
    }

    /// Marks those of `wanted`, numbered from `first`, of which the container at the cursor is one, as `is_one` has it.
    pub(crate) fn container<N>(
        &mut self,
        wanted: &[N],
        first: usize,
        met: &mut Marks,
        depth: usize,
        is_one: fn(&mut Self, &N, usize) -> Scan<bool>,
    ) -> Scan<()> {
        let start = self.scan;
        let mut walked = false;
        for (number, wanted) in (first..).zip(wanted) {
            if !met.is_set(number) {
                self.scan = start;
                if is_one(self, wanted, depth)? {
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
}
