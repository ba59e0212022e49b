//! What filters become.

use polymnia::filter::Relation;

use super::*;

fn sql(filter: &Filter, hints: Hints<'_>) -> String {
    let mut statement: Statement<'_> = Statement::new("");
    push(&mut statement, filter, hints).unwrap();
    format!("{statement:?}")
}

fn test(path: &str, test: Test) -> Filter {
    Filter::Metadata { path: path.parse().unwrap(), test }
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

#[test]
fn each_test_has_its_words() {
    let array = "CASE WHEN jsonb_typeof((metadata -> $1)) = 'array' THEN ";
    let containers = vec![json(r#"["secret"]"#)];
    for (one, expected) in [
        (Test::Exists, "((metadata -> $1) IS NOT NULL)".to_owned()),
        (Test::Eq(json("\"secret\"")), "metadata @> $1".to_owned()),
        (Test::Eq(json("[]")), "((metadata -> $1) = $2)".to_owned()),
        (Test::In(vec![json("1"), json("2")]), "(metadata @> $1 OR metadata @> $2)".to_owned()),
        (Test::In(Vec::new()), "((metadata -> $1) = ANY ($2))".to_owned()),
        (Test::Any(vec![json("1")]), "metadata @> $1".to_owned()),
        (Test::All(Vec::new()), format!("({array}(metadata -> $2) @> $3 END)")),
        (
            Test::Any(containers.clone()),
            "(CASE WHEN jsonb_typeof((metadata -> $1)) = 'array' THEN EXISTS (SELECT FROM jsonb_array_elements(CASE \
             WHEN jsonb_typeof((metadata -> $2)) = 'array' THEN (metadata -> $3) END) AS element (value) WHERE \
             element.value = ANY ($4)) END)"
                .to_owned(),
        ),
        (
            Test::Size(SizeTest::Is(2)),
            format!(
                "({array}jsonb_array_length(CASE WHEN jsonb_typeof((metadata -> $2)) = 'array' THEN (metadata -> $3) \
                 END) = $4 END)"
            ),
        ),
        (
            Test::Compare(Relation::Less, Bound::new(json("\"secret\"")).unwrap()),
            "(CASE WHEN jsonb_typeof((metadata -> $1)) = 'string' THEN ((metadata -> $2) #>> '{}') COLLATE \"C\" < $3 \
             END)"
                .to_owned(),
        ),
        (
            Test::Prefix(Prefix::new("secret").unwrap()),
            "(CASE WHEN jsonb_typeof((metadata -> $1)) = 'string' THEN starts_with(((metadata -> $2) #>> '{}') \
             COLLATE \"C\", $3) END)"
                .to_owned(),
        ),
    ] {
        let text = sql(&test("secret", one.clone()), Hints::None);
        assert_eq!(text, expected, "{one:?}");
    }
}

#[test]
fn no_null_reaches_a_not() {
    let exists = test("a", Test::Exists);
    assert_eq!(sql(&exists.clone().not(), Hints::All(&[])), "(((metadata -> $1) IS NOT NULL)) IS NOT TRUE");
    let own = Filter::Field(FieldTest::Text(TextField::User, Is::Eq("secret".to_owned())));
    assert_eq!(sql(&own.clone().or(own).not(), Hints::None), "((user_id = $1 OR user_id = $2)) IS NOT TRUE");
    assert_eq!(sql(&Filter::And(Vec::new()).not(), Hints::None), "(true) IS NOT TRUE");
    assert_eq!(sql(&Filter::Or(Vec::new()), Hints::None), "false");
}

#[test]
fn an_index_step_finds_elements_only() {
    assert_eq!(
        sql(&test(r#"["secret", 0, "b"]"#, Test::Exists), Hints::None),
        "((jsonb_path_query_first((metadata -> $1), 'strict $[$i]', $2::jsonb, true) -> $3) IS NOT NULL)"
    );
}

#[test]
fn hints_stand_beside_the_exact_condition() {
    let needle = test(r#"["a", 0]"#, Test::Eq(json("1")));
    let exact = "jsonb_path_query_first((metadata -> $2), 'strict $[$i]', $3::jsonb, true) = $4";
    assert_eq!(sql(&needle, Hints::All(&[])), format!("(metadata @> $1 AND {exact})"));
    assert!(!sql(&needle.not(), Hints::All(&[])).contains("@>"), "nothing follows from a condition that fails");
    let bound = Bound::new(json("9")).unwrap();
    let range = test("a", Test::Compare(Relation::Greater, bound));
    let declared = [("a".parse().unwrap(), IndexKind::Number), ("a".parse().unwrap(), IndexKind::Text)];
    assert_eq!(
        sql(&range, Hints::All(&declared)),
        "(CASE WHEN jsonb_typeof((metadata -> $1)) = 'number' THEN round(greatest(least(((metadata -> $2))::numeric, \
         1e300), -1e300), 100)::double precision END >= round(greatest(least($3::numeric, 1e300), -1e300), \
         100)::double precision AND CASE WHEN jsonb_typeof((metadata -> $4)) = 'number' THEN (metadata -> $5) > $6 END)"
    );
}
