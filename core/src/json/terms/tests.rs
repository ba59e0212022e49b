//! Terms by example, and the frozen ones.

use super::*;

fn terms() -> NamespaceTerms {
    let seed = std::array::from_fn(|index| u8::try_from(index).unwrap());
    TermHasher::new(seed).namespace(&Namespace::new("acme").unwrap())
}

fn read(document: &str) -> DocumentTerms {
    let mut of_document = DocumentTerms::default();
    assert!(terms().read(document.as_bytes(), &mut of_document), "{document}");
    of_document
}

/// Worked out from the layout by another program. Whoever changes them makes every index on disk useless: that is a new
/// version.
#[test]
fn version_1_is_frozen() {
    assert_eq!(TermHasher::VERSION, 1);
    assert_eq!(terms().space(), -618_729_367);
    assert_eq!(terms().uncanonical(), -646_590_753);
    let of_document =
        read(r#"{"a": [1.50, -0.02, 0.0, 100, "x\né"], "b": {"": null, "t": true}, "é": false, "e": [[], {"f": {}}]}"#);
    let leaves = [
        -1_188_007_651,
        -1_059_540_143,
        -881_454_314,
        -73_479_586,
        247_748_853,
        425_104_430,
        853_159_079,
        1_022_472_237,
    ];
    let paths = [
        -2_045_346_429,
        -1_761_705_727,
        -1_479_192_432,
        -1_179_913_517,
        -1_057_331_588,
        -685_457_581,
        -613_740_421,
        -597_761_532,
        -225_388_711,
        183_091_366,
        1_154_795_886,
        1_830_595_127,
    ];
    assert_eq!(of_document.leaves, leaves);
    assert_eq!(of_document.paths, paths);
    assert_eq!(of_document.shape, 8_015_879_500_772_025_545);
    assert_eq!(read("{}").shape, -2_379_211_219_928_668_194);
}

#[test]
fn equal_values_share_a_leaf_and_others_do_not() {
    let leaf = |value: &str| match *read(&format!("{{\"a\": {value}}}")).leaves {
        [leaf] => leaf,
        ref leaves => panic!("{value} has {} leaves", leaves.len()),
    };
    for alike in [
        &["1", "1.0", "10e-1", "0.01E+2", "[1]", "[[1, 1.00]]"][..],
        &["0", "-0", "0.00", "0e999999999999", "-0e-5"],
        &["-1", "-1.0"],
        &["1e400", "10e399"],
        &["9007199254740993", "9007199254740993.0"],
        &["9007199254740992"],
        &["\"1\"", "\"\\u0031\""],
        &["\"é\"", "\"\\u00e9\""],
        &["\"\u{1f600}\"", "\"\\ud83d\\ude00\""],
        &["\"\\ud83d\""],
        &["\"\""],
        &["\"null\""],
        &["null"],
        &["true"],
        &["false"],
    ] {
        let first = leaf(alike[0]);
        assert!(alike.iter().all(|value| leaf(value) == first), "{alike:?}");
        let others = ["1", "0", "-1", "1e400", "9007199254740993", "\"1\"", "null", "true", "false", "\"\""];
        let same = others.iter().filter(|value| leaf(value) == first).count();
        assert!(same <= 1, "{alike:?}");
    }
    assert_eq!(
        read(r#"{"a": {"b": 1}, "ab": 1, "b": {"a": 1}, "": {"": 1}, "c": [{"a": 1}, {"a": 1}]}"#).leaves.len(),
        5
    );
}

#[test]
fn shapes_tell_sets_of_paths_apart() {
    let shape = |document: &str| read(document).shape;
    assert_eq!(shape(r#"{"a": 1, "b": {"c": 2}}"#), shape(r#"{"b": {"c": "x"}, "a": null}"#));
    assert_eq!(shape(r#"{"a": [[1]]}"#), shape(r#"{"a": []}"#));
    assert_eq!(shape(r#"{"a": [{"b": 1}, {"b": 2}]}"#), shape(r#"{"a": [{"b": 1}]}"#));
    let mut shapes = [
        "{}",
        r#"{"a": 1}"#,
        r#"{"b": 1}"#,
        r#"{"a": 1, "b": 1}"#,
        r#"{"a": []}"#,
        r#"{"a": {}}"#,
        r#"{"a": [{}]}"#,
        r#"{"a": {"b": 1}}"#,
        r#"{"a": {"b": 1}, "b": 1}"#,
        r#"{"a": [{"b": 1}]}"#,
    ]
    .map(shape);
    shapes.sort_unstable();
    assert!(shapes.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn namespaces_and_seeds_share_nothing() {
    let document = br#"{"a": [1, {}]}"#;
    let of = |seed: u8, namespace: &str| {
        let terms = TermHasher::new([seed; 16]).namespace(&Namespace::new(namespace).unwrap());
        let mut of_document = DocumentTerms::default();
        assert!(terms.read(document, &mut of_document));
        (terms.space(), of_document)
    };
    let (space, one) = of(1, "acme");
    for (other_space, other) in [of(1, "acm"), of(2, "acme")] {
        assert_ne!(space, other_space);
        assert_ne!(one.shape, other.shape);
        assert!(one.leaves.iter().all(|leaf| !other.leaves.contains(leaf)));
        assert!(one.paths.iter().all(|path| !other.paths.contains(path)));
    }
}

#[test]
fn what_is_no_object_has_no_terms() {
    let mut of_document = read(r#"{"a": 1}"#);
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(128), "]".repeat(128));
    for document in ["", "[1]", "1", "{\"a\": 1", "{\"a\": [1, 2}}", "{\"a\": 1} x", "{\"a\": 01}", &deep] {
        assert!(!terms().read(document.as_bytes(), &mut of_document), "{document}");
        assert!(of_document.leaves.is_empty() && of_document.paths.is_empty());
    }
    assert!(!terms().read(b"{\"a\": \"\xff\"}", &mut of_document));
    // The keys are hashed before the fault is met.
    assert!(of_document.paths.is_empty());
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(127), "]".repeat(127));
    assert!(terms().read(deep.as_bytes(), &mut of_document));
}

#[test]
fn debug_does_not_show_the_seed() {
    assert_eq!(format!("{:?} {:?}", TermHasher::new([7; 16]), terms()), "TermHasher { .. } NamespaceTerms { .. }");
}

#[test]
fn canonical_text_is_told_from_other_text() {
    let is_canonical = |document: &[u8]| {
        let mut of_document = DocumentTerms::default();
        terms().read(document, &mut of_document);
        of_document.is_canonical
    };
    assert!(is_canonical(br#"{"a": [1.50, "\u0001\n"], "bb": {}}"#));
    let others = [
        r#"{"a":1}"#,
        r#"{"bb": 1, "a": 1}"#,
        r#"{"a": 1e2}"#,
        r#"{"\u0061": 1}"#,
        " {}",
        "[]",
        "1",
        "",
        "not JSON",
        "{",
    ];
    for other in others {
        assert!(!is_canonical(other.as_bytes()), "{other}");
    }
    assert!(!is_canonical(b"{\"a\": \"\xff\"}"));
}
