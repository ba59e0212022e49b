//! What Rust says of the interface, as a C program that says no to anything else.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::mem::offset_of;

use polymnia_plugin::{abi, operation};

use crate::print::upper;
use crate::source::{Declared, Interface};

/// Is an expression in C, and the number that it must be.
pub(crate) struct Fact {
    /// The item of the source that it is about: `Host::log`.
    about: String,
    expression: String,
    number: u64,
}

macro_rules! structs {
    ($facts:ident: $($name:ident as $c:literal { $($field:ident),* })*) => {$(
        $facts.push(Fact {
            about: stringify!($name).to_owned(),
            expression: concat!("sizeof(", $c, ")").to_owned(),
            number: size_of::<abi::$name>() as u64,
        });
        $facts.push(Fact {
            about: stringify!($name).to_owned(),
            expression: concat!("_Alignof(", $c, ")").to_owned(),
            number: align_of::<abi::$name>() as u64,
        });
        $($facts.push(Fact {
            about: concat!(stringify!($name), "::", stringify!($field)).to_owned(),
            expression: concat!("offsetof(", $c, ", ", stringify!($field), ")").to_owned(),
            number: offset_of!(abi::$name, $field) as u64,
        });)*
    )*};
}

macro_rules! constants {
    ($facts:ident: $($name:ident),*) => {
        $($facts.push(Fact {
            about: stringify!($name).to_owned(),
            expression: concat!("POLYMNIA_", stringify!($name)).to_owned(),
            number: u64::from(abi::$name),
        });)*
    };
}

/// Returns what Rust says.
pub(crate) fn facts() -> Vec<Fact> {
    let mut facts = Vec::new();
    structs! { facts:
        Prefix as "polymnia_prefix" { magic, major, minor, size }
        Bytes as "polymnia_bytes" { data, len }
        Buffer as "polymnia_buffer" { data, len, extra }
        Host as "polymnia_host" { prefix, context, log_level, log }
        Circumstances as "polymnia_circumstances" {
            size, reserved, needs, now_micros, remaining_nanos, max_reply, context, interrupted, event
        }
        Plugin as "polymnia_plugin" { prefix, describe, open, call, close, free }
    }
    constants! { facts:
        ABI_MAJOR, ABI_MINOR, STATUS_OK, STATUS_ERROR, STATUS_UNSUPPORTED, STATUS_PANICKED, HANDLE_DIALECT, NO_DEADLINE,
        GO_ON, CANCELLED, TIMED_OUT, FEATURE_CONTAINMENT, FEATURE_FILTERS, FEATURE_RELATED_THREADS, FEATURES
    }
    let text = |name: &str, text: &[u8]| {
        let bytes = text.iter().enumerate().map(|(at, byte)| Fact {
            about: name.to_owned(),
            expression: format!("(uint64_t) (uint8_t) {name}[{at}]"),
            number: u64::from(*byte),
        });
        bytes.collect::<Vec<_>>()
    };
    facts.extend(text("MAGIC", &abi::MAGIC));
    facts.extend(text("ENTRY", abi::ENTRY.as_bytes()));
    facts.extend(operation::ALL.iter().map(|(code, name)| Fact {
        about: (*name).to_owned(),
        expression: format!("POLYMNIA_OPERATION_{}", upper(name)),
        number: u64::from(*code),
    }));
    facts
}

/// Fails if the source has something of which nothing is said.
pub(crate) fn assert_complete(interface: &Interface, facts: &[Fact]) {
    let mut declared = BTreeSet::new();
    for item in &interface.items {
        match item {
            Declared::Constant { name, .. } => {
                declared.insert(name.clone());
            }
            Declared::Struct { name, fields, .. } => {
                declared.extend(fields.iter().map(|field| format!("{name}::{}", field.name)));
                declared.insert(name.clone());
            }
        }
    }
    declared.extend(interface.operations.iter().map(|operation| operation.name.clone()));
    let told: BTreeSet<String> = facts.iter().map(|fact| fact.about.clone()).collect();
    assert_eq!(declared, told, "the source and what is said here of it");
}

/// Returns a program that names what is otherwise and ends with 1.
pub(crate) fn program(facts: &[Fact]) -> String {
    let mut text = String::from(
        "#include <stdio.h>\n#include \"polymnia_plugin.h\"\n\n\
         static const uint8_t MAGIC[] = POLYMNIA_MAGIC;\nstatic const char ENTRY[] = POLYMNIA_ENTRY;\n\n\
         static int wrong;\n\n\
         static void check(const char *what, uint64_t found, uint64_t expected) {\n    \
         if (found != expected) {\n        \
         printf(\"%s is %llu in C and %llu in Rust\\n\", what, (unsigned long long) found, (unsigned long long) expected);\n        \
         wrong = 1;\n    }\n}\n\nint main(void) {\n",
    );
    for Fact { expression, number, .. } in facts {
        writeln!(text, "    check(\"{expression}\", {expression}, UINT64_C({number}));").unwrap();
    }
    text.push_str("    return wrong;\n}\n");
    text
}
