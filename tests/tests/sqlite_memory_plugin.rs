//! The suite on SQLite in memory, through the plugin.

use polymnia_conformance::conformance_suite;
use polymnia_tests::databases::SqliteMemoryPlugin;

conformance_suite!(sqlite_memory_plugin, SqliteMemoryPlugin);
