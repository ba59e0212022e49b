//! The suite on a SQLite file.

use polymnia_conformance::conformance_suite;
use polymnia_tests::databases::SqliteFile;

conformance_suite!(sqlite_file, SqliteFile);
