//! The suite on a SQLite file.

use polymnia_conformance::{conformance_suite, databases::SqliteFile};

conformance_suite!(sqlite_file, SqliteFile);
