//! The suite on SQLite in memory.

use polymnia_conformance::{conformance_suite, databases::SqliteMemory};

conformance_suite!(sqlite_memory, SqliteMemory);
