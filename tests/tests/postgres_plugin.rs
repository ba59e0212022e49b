//! The suite on PostgreSQL, through the plugin.

use polymnia_conformance::conformance_suite;
use polymnia_tests::databases::PostgresPlugin;

conformance_suite!(postgres_plugin, PostgresPlugin);
