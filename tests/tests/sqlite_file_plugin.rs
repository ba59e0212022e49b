//! The suite on a SQLite file, through the plugin.

use polymnia_conformance::conformance_suite;
use polymnia_tests::databases::SqliteFilePlugin;

conformance_suite!(sqlite_file_plugin, SqliteFilePlugin);
