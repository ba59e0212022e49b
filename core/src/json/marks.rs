//! Which of many things a walk has met.

/// Keeps track of which things asked for were met.
pub(crate) enum Marks {
    /// The unmet ones as bits: zero when all are met.
    Few(u64),
    /// The same for more than 64.
    Many(Vec<u64>),
}

impl Marks {
    /// Returns marks for `len` things, none of them met.
    #[inline]
    pub(crate) fn new(len: usize) -> Self {
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
    pub(crate) fn set(&mut self, number: usize, met: bool) {
        let bit = 1 << (number % 64);
        let word = match self {
            Self::Few(word) => word,
            Self::Many(words) => &mut words[number / 64],
        };
        *word = if met { *word & !bit } else { *word | bit };
    }

    #[inline]
    pub(crate) fn is_set(&self, number: usize) -> bool {
        let word = match self {
            Self::Few(word) => *word,
            Self::Many(words) => words[number / 64],
        };
        word & 1 << (number % 64) == 0
    }

    #[inline]
    pub(crate) fn all(&self) -> bool {
        match self {
            Self::Few(word) => *word == 0,
            Self::Many(words) => words.iter().all(|&word| word == 0),
        }
    }
}

/// Returns a word for 64 things or fewer.
#[inline]
fn unmet(len: usize) -> u64 {
    if len == 0 { 0 } else { u64::MAX >> (64 - len) }
}
