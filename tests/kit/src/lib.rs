//! The suite that every Polymnia dialect passes.
//!
//! A dialect is right when it answers as the contracts in [`polymnia::spi`] say. This crate asks: [`conformance_suite!`]
//! makes one test a case for a [`Fixture`], which is all that an author writes; [`runner`] does the same without a test
//! harness. What a dialect may do without ([`suite::Need`]) is asked of it only if its
//! [`Capability`](polymnia::Capability) claims it; else the suite asks that it is refused. [`Oracle`] is an engine too naive to be
//! wrong, which the suite is tested against and which judges random operations beside the dialects; [`generate`] makes
//! those.
//!
//! `POLYMNIA_TEST_SEED` sets where random numbers begin; a failing test prints its own.

pub mod fixture;
pub mod generate;
pub mod oracle;
pub mod runner;
mod scratch;
pub mod suite;

pub use fixture::{Database, Fixture, Subject, TestClock, TestIds};
pub use oracle::Oracle;
pub use scratch::ScratchDatabase;
