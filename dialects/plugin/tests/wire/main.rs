//! The form of requests and replies.

mod any;
mod cddl;
mod documented;
mod golden;
mod hostile;
mod operations;
mod round_trip;
