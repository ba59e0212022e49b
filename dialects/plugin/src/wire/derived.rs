//! What is derived from memories: how a query went, declared indexes, upkeep.

use polymnia::{
    Access, Explanation, Fault as Finding, IndexDeclaration, IndexKind, IndexName, IndexStatus, OptimizeReport, Upkeep,
    VerifyReport,
};

use super::record::{choice, record, text};

record! {
    Explanation {
        1 dialect,
        2 access,
        3 index or default,
        4 streamed,
        5 estimated_candidates or default,
        6 candidates,
        7 rechecks,
        8 rows,
        9 elapsed,
        10 emulated or default,
        11 statements or default,
        12 details or default,
    }
}

choice! {
    Access { 0 MetadataIndex, 1 DeclaredIndex, 2 FieldIndex, 3 OrderWalk, 4 Scan, 5 Nothing }
}

record! { IndexDeclaration { 1 name, 2 path, 3 kind } }

text!(IndexName);

choice! { IndexKind { 0 Number, 1 Text } }

record! { IndexStatus { 1 declaration, 2 ready, 3 entries or default } }

choice! { Upkeep { 0 Index, 1 Full } }

record! { OptimizeReport { 1 indexed, 2 removed } }

record! { VerifyReport { 1 memories, 2 entries, 3 pending, 4 fault_count, 5 faults or default } }

record! { Finding { 1 namespace or default, 2 id or default, 3 problem } }
