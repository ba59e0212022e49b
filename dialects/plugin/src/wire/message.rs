//! What is no type of the library.

use super::record::record;
use crate::message::{Batch, Description, Opened, ScratchOpened, SessionOpened, Waiting};

record! { Description { 1 name, 2 version, 3 url_schemes, 4 operations, 5 features or default } }

record! { Opened { 1 capability, 2 source } }

record! { ScratchOpened { 1 handle, 2 opened } }

record! { SessionOpened { 1 handle, 2 is_one_transaction or default } }

record! { Batch { 1 memories, 2 more or default, 3 cursor or default } }

record! { Waiting { 1 holder or default, 2 millis } }
