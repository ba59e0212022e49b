//! What the verbs of the schema have in common: opening, telling what a run does, printing.

mod events;
mod failed;
mod notes;
mod place;
mod print;
mod sources;
mod who;

pub(crate) use events::observer;
pub(crate) use failed::Failed;
pub(crate) use place::{Place, interruptible, of_schema, sources_of_settings};
pub(crate) use print::{drifts, optional_time, plan, problems, versions};
pub(crate) use sources::{application, brought_by, dialects, faults, heads, heads_of_all, known, made, of_all, ours};
pub(crate) use who::who;
