//! Tests of samples.

use super::draw::BYTES;
use super::*;

/// Returns a sample of 1,000 rows, half of them of the namespace `a`: one in ten is common, one in 500 rare.
pub(crate) fn sample(scale: f64) -> Sample {
    let row = |number: usize| {
        let namespace = if number.is_multiple_of(2) { "a" } else { "b" };
        let kind = match number {
            number if number % 10 < 2 => "common",
            number if number % 500 < 4 => "rare",
            _ => "other",
        };
        let metadata = format!(r#"{{"kind": "{kind}", "tags": ["all", "{number}"]}}"#);
        (namespace.to_owned(), None, None, None, "short_term".to_owned(), StoredJson(metadata))
    };
    Sample::new((0..1_000).map(row).collect(), scale, 500.0)
}

fn contains(text: &str) -> Selection {
    Selection::default().with_filter(polymnia::Filter::Contains(polymnia::Json::parse(text).unwrap()))
}

fn about(number: f64, expected: f64) {
    assert!((number - expected).abs() <= expected * 0.2 + 1e-9, "{number} is not about {expected}");
}

#[test]
fn an_estimate_is_of_the_namespace() {
    let sample = sample(100.0);
    let a = Namespace::new("a").unwrap();
    let common = sample.estimate(&a, &contains(r#"{"kind": "common"}"#));
    about(common.memories, 50_000.0);
    about(common.share, 0.2);
    about(common.found, 10_000.0);
    let both = sample.estimate(&a, &contains(r#"{"kind": "common", "tags": ["all"]}"#));
    about(both.share, 0.2);
    about(both.compared, 3.0 * 20_000.0);
    let absent = sample.estimate(&a, &contains(r#"{"kind": "absent"}"#));
    about(absent.share, 0.0);
    about(absent.found, 0.0);
    about(sample.estimate(&Namespace::new("new").unwrap(), &contains(r#"{"kind": "common"}"#)).share, 0.2);
}

#[test]
fn a_misjudged_query_is_taken_for_rare() {
    let sample = sample(100.0);
    let a = Namespace::new("a").unwrap();
    let selection = contains(r#"{"kind": "common"}"#);
    sample.misjudge(&a, &selection);
    about(sample.estimate(&a, &selection).share, 0.0);
    assert!(sample.estimate(&Namespace::new("b").unwrap(), &selection).share > 0.0);
}

#[test]
fn a_draw_has_about_as_many_rows_as_wanted() {
    for (pages, bytes, tuples) in [(50_000.0, 4e8, 1e6), (25_000.0, 2e8, 1e5), (3_000.0, 3e8, 1e5), (1e7, 8e10, 2e8)] {
        let draw = Draw::of(pages, bytes, tuples);
        let rows = tuples * draw.percent / 100.0 / float(draw.modulus);
        assert!((200.0..=10_000.0).contains(&rows), "{rows} of {tuples}: {draw:?}");
        assert!(rows * draw.row_bytes <= 1.5 * BYTES, "{draw:?}");
    }
    assert!(Draw::of(0.0, 0.0, -1.0).percent >= 100.0, "nothing is known");
    assert!(Draw::of(10.0, 80_000.0, 160.0).percent >= 100.0, "a small table is read whole");
}
