//! The suite on PostgreSQL.

use polymnia_conformance::{conformance_suite, databases::Postgres};

conformance_suite!(postgres, Postgres);
