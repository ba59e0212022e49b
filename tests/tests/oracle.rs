//! The suite on the oracle: what judges the dialects is judged by the same cases.

use polymnia_conformance::{Oracle, conformance_suite};

conformance_suite!(oracle, Oracle);
