//! What is printed reads back.

use proptest::prelude::*;

use super::{json, parse};
use crate::filter::{Bound, FieldTest, Is, Prefix, Real, Relation, SizeTest, Step, Test, TextField, TimeField};
use crate::{Filter, Json, Path, Timestamp};

/// Returns the filter that reading what is printed gives: lists of no filter have another form.
fn normal(filter: Filter) -> Filter {
    match filter {
        Filter::And(filters) if filters.is_empty() => Filter::All,
        Filter::Or(filters) if filters.is_empty() => Filter::Not(Box::new(Filter::All)),
        Filter::And(filters) => Filter::And(filters.into_iter().map(normal).collect()),
        Filter::Or(filters) => Filter::Or(filters.into_iter().map(normal).collect()),
        Filter::Not(inner) => Filter::Not(Box::new(normal(*inner))),
        one => one,
    }
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => proptest::sample::select(vec!["a", "b", "", "$eq", "$", "$$", "$path", "a.b", "a b", "\"", "\\", "é", "0", "\n"])
            .prop_map(str::to_owned),
        1 => "[^\0]{0,6}",
    ]
}

fn values() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        proptest::sample::select(vec!["null", "true", "false", "0", "-1.50", "9007199254740993", "1e30", "{}", "[]"])
            .prop_map(json),
        keys().prop_map(|text| Json::from_serialize(&text).unwrap()),
    ];
    scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(|list| Json::from_serialize(&list).unwrap()),
            proptest::collection::btree_map(keys(), inner, 0..3).prop_map(|map| Json::from_serialize(&map).unwrap()),
        ]
    })
}

fn relations() -> impl Strategy<Value = Relation> {
    proptest::sample::select(vec![Relation::Less, Relation::LessOrEqual, Relation::Greater, Relation::GreaterOrEqual])
}

fn tests() -> impl Strategy<Value = Test> {
    let list = || proptest::collection::vec(values(), 0..3);
    let bounds = values().prop_map(|value| Bound::new(value).unwrap_or_else(|_| Bound::new(json("7")).unwrap()));
    prop_oneof![
        Just(Test::Exists),
        values().prop_map(Test::Eq),
        list().prop_map(Test::In),
        (relations(), bounds).prop_map(|(relation, bound)| Test::Compare(relation, bound)),
        keys().prop_map(|text| Test::Prefix(Prefix::new(text).unwrap())),
        list().prop_map(Test::Any),
        list().prop_map(Test::All),
        any::<u32>().prop_map(|size| Test::Size(SizeTest::Is(size))),
        (relations(), any::<u32>()).prop_map(|(relation, size)| Test::Size(SizeTest::Compare(relation, size))),
    ]
}

fn is<T: Clone + std::fmt::Debug + 'static>(value: impl Strategy<Value = T> + Clone + 'static) -> BoxedStrategy<Is<T>> {
    prop_oneof![
        Just(Is::Present),
        value.clone().prop_map(Is::Eq),
        proptest::collection::vec(value.clone(), 0..3).prop_map(Is::In),
        (relations(), value).prop_map(|(relation, value)| Is::Compare(relation, value)),
    ]
    .boxed()
}

fn field_tests() -> impl Strategy<Value = FieldTest> {
    let text = || proptest::sample::select(vec![TextField::User, TextField::Agent, TextField::Thread, TextField::Tier]);
    let time = proptest::sample::select(vec![TimeField::Created, TimeField::Updated, TimeField::Expires]);
    let number = any::<f64>().prop_map(|number| Real::new(if number.is_nan() { 0.1 } else { number }).unwrap());
    let moment = (Timestamp::MIN.as_micros()..=Timestamp::MAX.as_micros())
        .prop_map(|micros| Timestamp::from_micros(micros).unwrap());
    prop_oneof![
        (text(), is(keys().boxed())).prop_map(|(field, is)| FieldTest::Text(field, is)),
        (text(), keys()).prop_map(|(field, prefix)| FieldTest::Prefix(field, Prefix::new(prefix).unwrap())),
        is(number.boxed()).prop_map(FieldTest::Importance),
        (time, is(moment.boxed())).prop_map(|(field, is)| FieldTest::Time(field, is)),
    ]
}

fn filters() -> impl Strategy<Value = Filter> {
    let step = prop_oneof![4 => keys().prop_map(Step::Key), 1 => (0..=Path::MAX_INDEX).prop_map(Step::Index)];
    let path = proptest::collection::vec(step, 1..4).prop_map(|steps| Path::new(steps).unwrap());
    let one = prop_oneof![
        1 => Just(Filter::All),
        2 => values().prop_map(Filter::Contains),
        6 => (path, tests()).prop_map(|(path, test)| Filter::Metadata { path, test }),
        3 => field_tests().prop_map(Filter::Field),
    ];
    one.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(2_000), ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back(filter in filters()) {
        let printed = filter.to_json();
        prop_assert_eq!(&Json::parse(printed.as_str()).unwrap(), &printed, "canonical");
        let read = Filter::parse(printed.as_str()).map_err(|error| TestCaseError::fail(format!("{printed}: {error}")))?;
        prop_assert_eq!(&read, &normal(filter), "{}", printed);
        prop_assert_eq!(read.to_json(), printed);
    }
}

#[test]
fn what_is_nested_as_deep_as_may_be_reads_back() {
    let deepest = json(&format!("{}{}", "[".repeat(Json::MAX_DEPTH), "]".repeat(Json::MAX_DEPTH)));
    let path = Path::new(vec!["a"; Path::MAX_STEPS]).unwrap();
    let mut filter = Filter::Metadata { path, test: Test::Eq(deepest) };
    for depth in 0..Filter::MAX_DEPTH {
        filter = if depth % 2 == 0 { Filter::Or(vec![filter]) } else { Filter::And(vec![Filter::All, filter]) };
    }
    filter.check().unwrap();
    assert_eq!(parse(filter.to_json().as_str()), filter);
}
