//! The suite on SQLite in memory.

use polymnia_conformance::conformance_suite;
use polymnia_tests::databases::SqliteMemory;

conformance_suite!(sqlite_memory, SqliteMemory);
