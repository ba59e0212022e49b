//! Bytes that nobody wrote: errors, never a panic.

use ciborium::Value;
use polymnia::filter::FilterMatcher;
use polymnia::{Filter, Json, Memory, Metadata, Namespace, Selection, Timestamp};
use polymnia_conformance::generate::{self, json};
use polymnia_plugin::message::{Batch, SessionOpened};
use polymnia_plugin::wire::{Direction, Fault, Writer, from_bytes, to_bytes};
use proptest::{prop_assert, proptest};

use crate::any::{Rng, any};
use crate::golden::golden;
use crate::operations::messages;

#[test]
fn a_truncated_message_is_an_error() {
    for (message, sample) in golden() {
        for len in 0..sample.bytes.len() {
            assert!((message.again)(&sample.bytes[..len]).is_err(), "{len} bytes of {message:?}");
        }
        let longer = [&sample.bytes[..], &[0]].concat();
        assert!((message.again)(&longer).is_err(), "{message:?} and one byte more");
    }
}

#[test]
fn what_is_not_known_is_refused_in_a_request_and_skipped_in_a_reply() {
    let mut records = 0;
    for (message, sample) in golden() {
        let unknown = (Value::from(99), Value::Array(vec![Value::from("x"), Value::Map(vec![(1.into(), 2.into())])]));
        for bytes in with_each_record(&sample.bytes, |record| record.push(unknown.clone())) {
            records += 1;
            match (message.direction, (message.again)(&bytes)) {
                (Direction::Request, Err(Fault::Unknown { number: 99, .. })) => {}
                (Direction::Reply, Ok((shown, _))) => assert_eq!(shown, sample.shown),
                (_, other) => panic!("{message:?}: {other:?}"),
            }
        }
    }
    assert!(records > 200, "{records}");
}

#[test]
fn a_field_that_stands_twice_is_an_error() {
    for (message, sample) in golden() {
        for bytes in with_each_record(&sample.bytes, |record| record.extend(record.first().cloned())) {
            // A record without a field has none twice.
            let is_same = bytes == sample.bytes;
            assert!(is_same || (message.again)(&bytes).is_err(), "{message:?}");
        }
    }
}

#[test]
fn a_number_of_a_choice_that_is_not_known_is_an_error() {
    // A mutation, an expectation, an order and a support of the future.
    for (bytes, name) in [
        (&[0x82, 0x61, b'a', 0x81, 0x82, 0x04, 0x00][..], "Apply"),
        (&[0x82, 0x61, b'a', 0xa2, 0x02, 0xa2, 0x01, 0x03, 0x02, 0x00, 0x04, 0x01], "Query"),
    ] {
        let message = *messages().iter().find(|message| message.name == name).unwrap();
        assert!(matches!((message.again)(bytes), Err(Fault::Unknown { .. })), "{name}");
    }
    assert!(matches!(
        from_bytes::<polymnia::Capability>(&[0xa1, 0x01, 0x03], Direction::Reply),
        Err(Fault::Unknown { .. })
    ));
}

#[test]
fn no_length_is_believed() {
    for bytes in [
        &[0xa1, 0x01, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..],
        &[0xa1, 0x01, 0x9a, 0x7f, 0xff, 0xff, 0xff, 0xf6],
        &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0xa1, 0x01, 0x9f, 0xf6, 0xff],
        &[0xbf, 0x01, 0x80, 0xff],
    ] {
        assert!(from_bytes::<Batch>(bytes, Direction::Reply).is_err(), "{bytes:x?}");
    }
    // Ten million memories that were not found would take some 3 GB.
    let mut bytes = vec![0xf6; 10_000_000];
    bytes.splice(..0, [0xa1, 0x01, 0x9a, 0x00, 0x98, 0x96, 0x80]);
    assert!(from_bytes::<Batch>(&bytes, Direction::Reply).is_err());
    // Ten thousand are a legal answer.
    let none = Batch { memories: vec![None; 10_000], ..Batch::default() };
    assert_eq!(from_bytes::<Batch>(&to_bytes(&none).unwrap().0, Direction::Reply).unwrap(), none);
}

#[test]
fn depth_takes_no_stack() {
    let deep = [&[0xa2, 0x01, 0x05, 0x18, 0x63][..], &vec![0x81; 1_000_000][..], &[0x00]].concat();
    let opened: SessionOpened = from_bytes(&deep, Direction::Reply).unwrap();
    assert_eq!(opened.handle, 5);
    assert!(from_bytes::<SessionOpened>(&deep, Direction::Request).is_err());
    let filter = format!("{}{{}}{}", "{\"$not\": ".repeat(100_000), "}".repeat(100_000));
    assert!(from_bytes::<Filter>(&to_bytes(filter.as_str()).unwrap().0, Direction::Request).is_err());
}

#[test]
fn bytes_that_are_no_text_are_an_error() {
    assert!(from_bytes::<String>(&[0x61, 0xff], Direction::Reply).is_err());
    assert!(from_bytes::<Namespace>(&[0x62, 0xc3, 0x28], Direction::Request).is_err());
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        for message in messages() {
            let _ = (message.again)(&bytes);
        }
    }

    #[test]
    fn damaged_messages_never_panic(seed: u64) {
        let mut rng = Rng::with_seed(seed);
        for message in messages() {
            let mut bytes = (message.any)(&mut rng);
            if bytes.is_empty() {
                continue;
            }
            for _ in 0..rng.u8(1..4) {
                let at = rng.usize(0..bytes.len());
                match rng.u8(0..4) {
                    0 => bytes[at] = rng.u8(..),
                    1 => bytes[at] ^= 1 << rng.u8(0..8),
                    2 => bytes.insert(at, rng.u8(..)),
                    _ => bytes[at] = *rng.choice(&[0x80, 0x9f, 0xbf, 0x7f, 0x5f, 0x9b, 0xbb, 0xf6, 0xff, 0x1b]).unwrap(),
                }
            }
            if let Ok((_, written)) = (message.again)(&bytes) {
                prop_assert!((message.again)(&written).is_ok(), "what is read can be written");
            }
        }
    }

    /// A plugin vouches for the metadata it sends: the host looks at the first byte and no further, for a parse of it would
    /// take longer than all the rest. So whatever it is must be harmless.
    #[test]
    fn metadata_that_is_no_json_is_harmless(seed: u64) {
        let mut rng = Rng::with_seed(seed);
        let tree = json::object(&mut rng);
        let mut text = json::spell_wrongly(&tree, &mut rng);
        for _ in 0..rng.u8(0..3) {
            text.truncate(text.floor_char_boundary(rng.usize(0..=text.len())));
            text.push_str(&json::string(&mut rng));
        }
        text.insert(0, '{');
        let stored = Memory { metadata: Metadata::from_stored(text), ..any(&mut rng) };
        let bytes = to_bytes(&stored).unwrap().0;
        let memory: Memory = from_bytes(&bytes, Direction::Reply).unwrap();
        prop_assert!(memory == stored);

        let document = memory.metadata.as_json();
        let needle = Json::parse(&json::spell(&json::needle(&tree, &mut rng), &mut rng)).unwrap();
        let _ = (document.contains(&needle), needle.contains(document), document.contains(document));
        let now = Timestamp::from_micros(1_770_000_000_000_000).unwrap();
        let pool = generate::Pool { documents: vec![tree] };
        for filter in [generate::filter(&mut rng, &pool, now), Filter::Contains(document.clone())] {
            let _ = Selection::default().with_filter(filter.clone()).matches(&memory, now);
            if let Ok(matcher) = FilterMatcher::new(&filter) {
                let _ = matcher.matches(memory.metadata.as_str().as_bytes());
            }
            let _ = filter.to_json();
        }
        let _ = (document.deserialize::<std::collections::BTreeMap<String, String>>(), format!("{memory:?}"));
        let _ = from_bytes::<Memory>(&bytes, Direction::Request);
    }
}

#[test]
fn metadata_that_is_no_object_is_an_error() {
    let stored = Memory { metadata: Metadata::from_stored("[1]".to_owned()), ..any(&mut Rng::with_seed(1)) };
    assert!(from_bytes::<Memory>(&to_bytes(&stored).unwrap().0, Direction::Reply).is_err());
}

/// Returns the message once for each record in it, that one changed.
fn with_each_record(message: &[u8], change: impl Fn(&mut Vec<(Value, Value)>)) -> Vec<Vec<u8>> {
    let value: Value = ciborium::from_reader(message).expect("a frozen message is CBOR");
    (0..)
        .map_while(|wanted| {
            let mut left = wanted;
            let mut value = value.clone();
            change_record(&mut value, &mut left, &change).then(|| {
                let mut writer = Writer::default();
                write(&value, &mut writer);
                writer.finish().0
            })
        })
        .collect()
}

fn change_record(value: &mut Value, left: &mut usize, change: &impl Fn(&mut Vec<(Value, Value)>)) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().any(|item| change_record(item, left, change)),
        Value::Map(members) => {
            // A map with texts for keys is no record.
            if members.iter().all(|(key, _)| key.is_integer()) {
                if *left == 0 {
                    change(members);
                    return true;
                }
                *left -= 1;
            }
            members.iter_mut().any(|(_, value)| change_record(value, left, change))
        }
        _ => false,
    }
}

/// Writes a value, floats in 64 bits.
fn write(value: &Value, writer: &mut Writer) {
    match value {
        Value::Integer(number) => match u64::try_from(*number) {
            Ok(number) => writer.unsigned(number),
            Err(_) => writer.signed(i64::try_from(*number).expect("64 bits")),
        },
        Value::Bytes(bytes) => writer.bytes(bytes),
        Value::Float(number) => writer.real(*number),
        Value::Text(text) => writer.text(text),
        Value::Bool(value) => writer.boolean(*value),
        Value::Null => writer.null(),
        Value::Array(items) => {
            writer.list(items.len());
            for item in items {
                write(item, writer);
            }
        }
        Value::Map(members) => {
            writer.map(members.len());
            for (key, value) in members {
                write(key, writer);
                write(value, writer);
            }
        }
        other => panic!("{other:?} is in no message"),
    }
}
