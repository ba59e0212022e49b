//! The suite on PostgreSQL.

use polymnia_conformance::conformance_suite;
use polymnia_tests::databases::Postgres;

conformance_suite!(postgres, Postgres);
