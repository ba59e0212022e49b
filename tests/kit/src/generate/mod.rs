//! Random values, each run from a seed that a failing test prints.
//!
//! Values come from small pools of awkward ones, so that they meet: equal times, equal texts but for case, filters that
//! select something.

mod filter;
pub mod json;
mod memory;
mod mutation;
mod query;

pub use fastrand::Rng;

pub use filter::{field_test, filter, metadata_filter};
pub use memory::{Pool, text};
pub use mutation::batch;
pub use query::{order, selection};

/// Is where a test's random numbers begin. If the test panics, it says how to run it again the same way.
#[derive(Debug)]
pub struct Seed {
    test: &'static str,
    seed: u64,
}

impl Seed {
    /// The environment variable that sets the seed of every test.
    pub const VARIABLE: &'static str = "POLYMNIA_TEST_SEED";

    /// Returns the seed in the environment, else one by chance.
    ///
    /// # Panics
    ///
    /// If the environment variable holds no number.
    pub fn new(test: &'static str) -> Self {
        let given = std::env::var(Self::VARIABLE).ok();
        let seed = given.map_or_else(|| fastrand::u64(..), |text| text.parse().expect("the seed is a number"));
        Self { test, seed }
    }

    /// Returns the numbers.
    pub fn rng(&self) -> Rng {
        Rng::with_seed(self.seed)
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} failed; to repeat it, set {}={}", self.test, Self::VARIABLE, self.seed);
        }
    }
}

/// Returns how often to do something: the number in that environment variable, or `default`.
///
/// # Panics
///
/// If the environment variable holds no number.
pub fn times(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable} holds no number")))
}

/// Returns true in so many of a hundred cases.
pub fn percent(rng: &mut Rng, chance: u32) -> bool {
    rng.u32(0..100) < chance
}

/// Returns one of the items.
///
/// # Panics
///
/// If there is none.
pub fn pick<T: Copy>(rng: &mut Rng, items: &[T]) -> T {
    *any(rng, items)
}

/// Returns a reference to one of the items.
///
/// # Panics
///
/// If there is none.
pub fn any<'a, T>(rng: &mut Rng, items: &'a [T]) -> &'a T {
    &items[rng.usize(0..items.len())]
}
