//! Migrations as they are written, and what is recorded of them.

use polymnia::schema::{
    Compatibility, Entry, ForeignLedger, Ledger, LogEntry, Metadata, Origin, Script, Source, State, Version,
};

use super::record::{choice, record, text};

text!(Version);

record! { Source { 1 prefix, 2 dialect, 3 scripts or default } }

record! { Script { 1 version, 2 name, 3 up, 4 down, 5 metadata, 6 delta or default, 7 folder } }

record! {
    Metadata { 1 run_in_transaction, 2 parents or default, 3 compatibility or default, 4 rebuild or default, 5 apart or default }
}

choice! { Compatibility { 0 None, 1 ReadOnly, 2 Full } }

record! { Ledger { 1 diesel or default, 2 entries or default } }

record! {
    Entry {
        1 version,
        2 name,
        3 position,
        4 state,
        5 origin,
        6 parents or default,
        7 checksum_raw,
        8 checksum,
        9 up or default,
        10 down or default,
        11 run_in_transaction,
        12 rebuild,
        13 compatibility,
        14 statements,
        15 done,
        16 batch_key or default,
        17 started_at,
        18 finished_at or default,
        19 millis or default,
        20 error or default,
        21 by,
        22 tool,
        23 delta or default,
    }
}

choice! { State { 0 Running, 1 Applied, 2 Failed, 3 Reverting } }

choice! { Origin { 0 Run, 1 Adopted, 2 Stamped, 3 Baseline, 4 Resolved } }

record! { LogEntry { 1 at, 2 event, 3 version or default, 4 detail, 5 by, 6 tool } }

record! { ForeignLedger { 1 tool, 2 table, 3 version or default } }
