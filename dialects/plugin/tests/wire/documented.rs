//! Everything that is written is as `docs/plugins/wire.cddl` says, and nothing there is without example.

use polymnia_plugin::operation;
use polymnia_plugin::wire::Direction;
use proptest::test_runner::TestRunner;

use crate::any::Rng;
use crate::cddl::Grammar;
use crate::golden::golden;
use crate::operations::{Message, messages};

const TEXT: &str = include_str!("../../../../docs/plugins/wire.cddl");

/// Returns the name of a message's rule: `SetChangeCapture` is `set-change-capture-request`.
fn rule(message: &Message) -> String {
    let mut rule = String::new();
    for c in message.name.chars() {
        if c.is_ascii_uppercase() && !rule.is_empty() {
            rule.push('-');
        }
        rule.push(c.to_ascii_lowercase());
    }
    rule + match message.direction {
        Direction::Request => "-request",
        Direction::Reply => "-reply",
    }
}

pub(crate) fn check(grammar: &Grammar, message: &Message, bytes: &[u8]) -> usize {
    let rule = rule(message);
    assert_eq!(bytes.is_empty(), !grammar.has(&rule), "{rule} stands there if there is something to say");
    if bytes.is_empty() {
        return 0;
    }
    grammar.check(&rule, bytes).unwrap_or_else(|wrong| panic!("{wrong}"))
}

#[test]
fn what_is_written_is_as_documented() {
    let grammar = Grammar::parse(TEXT);
    let run = |seed| {
        let mut rng = Rng::with_seed(seed);
        for message in messages() {
            check(&grammar, &message, &(message.any)(&mut rng));
        }
        Ok(())
    };
    TestRunner::default().run(&proptest::num::u64::ANY, run).unwrap();
}

#[test]
fn codes_are_as_documented() {
    for (code, name) in operation::ALL {
        let line = format!("; {name} = {code}");
        assert!(TEXT.lines().any(|other| other.split(" (").next() == Some(&line)), "{line}");
    }
}

#[test]
fn frozen_messages_show_all_that_is_documented() {
    let grammar = Grammar::parse(TEXT);
    for (message, sample) in golden() {
        check(&grammar, &message, &sample.bytes);
    }
    let unseen = grammar.unseen();
    assert!(unseen.is_empty(), "no frozen message has any of this:\n{}", unseen.join("\n"));
}
