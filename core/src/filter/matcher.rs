//! Filters on metadata, compiled.

use std::fmt;
use std::sync::OnceLock;

use super::Filter;
use super::conditions::{ConditionList, Conditions};
use super::quick::Quick;
use crate::json::marks::Marks;
use crate::json::members::Members;
use crate::json::needle::Needle;
use crate::json::scan::{Kind, Scan, Scanner};
use crate::json::walk::Walk;
use crate::{Error, ErrorKind, Json, Result};

/// Tells whether metadata passes a filter, quickly: compiled once, it walks the text of each document without building a
/// tree.
///
/// One walk answers all conditions, but for containments that ask for very many keys, which take one each. What counts as a
/// document is as for [`Matcher`](crate::Matcher), but that its root must be an object, as metadata is.
///
/// # Cost
///
/// A walk is linear in the document, but where arrays or objects are compared with several others: at worst the product of the
/// document and the filter.
#[derive(Clone)]
pub struct FilterMatcher {
    root: Part,
    conditions: Conditions,
    filter: Filter,
    /// Made of the filter when it is first asked for.
    quick: OnceLock<Quick>,
}

/// Is a part of a filter.
#[derive(Clone)]
enum Part {
    Contains(Members<Needle>),
    /// The condition of this number.
    Condition(usize),
    And(Vec<Part>),
    Or(Vec<Part>),
    Not(Box<Part>),
}

impl FilterMatcher {
    /// Compiles a filter that looks at metadata only.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if it looks at a memory's own fields.
    pub fn new(filter: &Filter) -> Result<Self> {
        let mut conditions = ConditionList::default();
        let root = match filter {
            Filter::Contains(needle) => Part::contains(needle),
            filter => Part::new(filter, &mut conditions)?,
        };
        Ok(Self { root, conditions: Conditions::new(conditions), filter: filter.clone(), quick: OnceLock::new() })
    }

    /// Reports whether `metadata`, a JSON text in UTF-8, passes. Nothing that is not a JSON object does.
    pub fn matches(&self, metadata: &[u8]) -> bool {
        self.matches_while(metadata, &mut || true).unwrap_or(false)
    }

    /// Does what [`matches_while`](Self::matches_while) does for the canonical text of a JSON object, as every [`Json`] is: of most
    /// documents that don't pass it tells so by what their text lacks, without a walk.
    ///
    /// Of any other text the answer may be wrong; no bytes make it panic.
    pub fn matches_canonical_while(&self, metadata: &[u8], go_on: &mut dyn FnMut() -> bool) -> Option<bool> {
        match self.quick.get_or_init(|| Quick::new(&self.filter)).judge(metadata) {
            Some(passes) => Some(passes),
            None => self.matches_while(metadata, go_on),
        }
    }

    /// Does what [`matches`](Self::matches) does as long as `go_on` says so, and returns `None` once it does not.
    ///
    /// It is asked about every 64 KiB of the work that exceeds one walk over the document.
    pub fn matches_while(&self, metadata: &[u8], go_on: &mut dyn FnMut() -> bool) -> Option<bool> {
        let Ok(text) = std::str::from_utf8(metadata) else { return Some(false) };
        let walk = Walk::new(text, go_on);
        let evaluation = Evaluation { conditions: &self.conditions, start: walk.scan, walk, walked: None, met: None };
        Walk::answer(evaluation.answer(&self.root))
    }
}

impl fmt::Debug for FilterMatcher {
    /// Writes the name only, as for [`Matcher`](crate::Matcher).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterMatcher").finish_non_exhaustive()
    }
}

impl Part {
    /// Up to how many members a containment becomes conditions, one for each.
    const FEW_MEMBERS: usize = 64;

    fn new(filter: &Filter, conditions: &mut ConditionList) -> Result<Self> {
        Ok(match filter {
            Filter::All => Self::And(Vec::new()),
            Filter::Contains(needle) => match Self::contains(needle) {
                Self::Contains(members) if members.len() <= Self::FEW_MEMBERS => {
                    let condition = |(key, needle)| Self::Condition(conditions.add_containment(key, needle));
                    Self::And(members.into_members().map(condition).collect())
                }
                other => other,
            },
            Filter::Metadata { path, test } => Self::Condition(conditions.add(path, test)),
            Filter::Field(_) => {
                let message = "filter on a memory's own field: expected conditions on metadata only";
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
            Filter::And(all) => Self::And(Self::several(all, conditions)?),
            Filter::Or(any) => Self::Or(Self::several(any, conditions)?),
            Filter::Not(inner) => Self::Not(Box::new(Self::new(inner, conditions)?)),
        })
    }

    fn several(filters: &[Filter], conditions: &mut ConditionList) -> Result<Vec<Self>> {
        filters.iter().map(|filter| Self::new(filter, conditions)).collect()
    }

    fn contains(needle: &Json) -> Self {
        match Needle::parse(needle.as_str()) {
            Ok(Needle::Object(members)) => Self::Contains(members),
            // Metadata is an object, and a damaged needle is contained in nothing.
            _ => Self::Or(Vec::new()),
        }
    }
}

/// The evaluation of a filter for one document.
///
/// The first walk shows whether the document is JSON. If it is not, the whole filter has no answer but no.
struct Evaluation<'a, 'g> {
    conditions: &'a Conditions,
    start: Scanner<'a>,
    walk: Walk<'a, 'g>,
    /// How long the document is, once a walk was through.
    walked: Option<usize>,
    /// Which conditions it fulfils, once one of them was asked for.
    met: Option<Marks>,
}

impl Evaluation<'_, '_> {
    fn answer(mut self, root: &Part) -> Scan<bool> {
        if self.start.kind()? != Kind::Object {
            return Ok(false);
        }
        let selected = self.selects(root)?;
        if self.walked.is_none() {
            self.walk(|walk| walk.scan.skip_value(0))?;
        }
        Ok(selected)
    }

    fn selects(&mut self, part: &Part) -> Scan<bool> {
        match part {
            Part::Contains(members) => self.walk(|walk| walk.object(members, 0)),
            Part::Condition(number) => self.fulfils(*number),
            Part::And(all) => {
                for part in all {
                    if !self.selects(part)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Part::Or(any) => {
                for part in any {
                    if self.selects(part)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Part::Not(inner) => Ok(!self.selects(inner)?),
        }
    }

    fn fulfils(&mut self, condition: usize) -> Scan<bool> {
        if self.met.is_none() {
            let conditions = self.conditions;
            self.met = Some(self.walk(|walk| conditions.met(walk))?);
        }
        Ok(self.met.as_ref().is_some_and(|met| met.is_set(condition)))
    }

    /// Walks over the document, and asks whether to go on if that was done before.
    fn walk<T>(&mut self, over: impl FnOnce(&mut Walk<'_, '_>) -> Scan<T>) -> Scan<T> {
        self.walk.scan = self.start;
        if let Some(len) = self.walked {
            self.walk.ask(len)?;
        }
        let answer = over(&mut self.walk)?;
        self.walk.scan.end()?;
        self.walked = Some(self.walk.scan.at());
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::filter::{FieldTest, Is, Path, SizeTest, Step, TextField};

    fn path(path: &str) -> crate::filter::PathBuilder {
        Filter::path(path.parse::<Path>().unwrap().steps().iter().cloned()).unwrap()
    }

    fn matcher(filter: &Filter) -> FilterMatcher {
        FilterMatcher::new(filter).unwrap()
    }

    /// Returns how often a matcher asks whether to go on, and checks that it ends when it shall not.
    fn asked(filter: &Filter, document: &str) -> usize {
        let mut asked = 0;
        let answer = matcher(filter).matches_while(document.as_bytes(), &mut || {
            asked += 1;
            true
        });
        assert!(answer.is_some());
        if asked > 0 {
            assert_eq!(matcher(filter).matches_while(document.as_bytes(), &mut || false), None);
        }
        asked
    }

    #[test]
    fn own_fields_are_refused() {
        let field = Filter::Field(FieldTest::Text(TextField::User, Is::Present));
        for filter in [field.clone(), Filter::All.and(field.clone()), field.not()] {
            assert_eq!(FilterMatcher::new(&filter).unwrap_err().kind(), ErrorKind::Unsupported);
        }
    }

    #[test]
    fn nothing_but_a_json_object_passes() {
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(128), "]".repeat(128));
        let absent = path("x").exists();
        let contains = |text: &str| Filter::Contains(Json::parse(text).unwrap());
        let filters = [
            Filter::All,
            Filter::Or(Vec::new()).not(),
            absent.clone().not(),
            contains("{\"x\": 1}").not(),
            contains("[1]").not(),
            contains("1").not().and(absent.not()),
        ];
        for filter in &filters {
            let matcher = matcher(filter);
            assert!(matcher.matches(b" {\"a\": 1} "), "{filter:?}");
            for document in ["", " ", "1", "[1]", "{\"a\": 1", "{\"a\": 1}}", "{\"a\": tru}", "{\"a\": 1, }", &deep] {
                assert!(!matcher.matches(document.as_bytes()), "{filter:?} of {document}");
            }
            assert!(!matcher.matches(b"{\"a\": \"\xff\"}"));
        }
    }

    #[test]
    fn of_duplicate_keys_the_last_counts_at_every_step() {
        let filter = path("a.b").eq(1).unwrap();
        for (document, expected) in [
            (r#"{"a": {"b": 1}, "a": 2}"#, false),
            (r#"{"a": {"b": 1}, "a": {}}"#, false),
            (r#"{"a": {"b": 1}, "a": []}"#, false),
            (r#"{"a": {"b": 1, "b": 2}}"#, false),
            (r#"{"a": 2, "\u0061": {"b": 2, "b": 1}}"#, true),
        ] {
            assert_eq!(matcher(&filter).matches(document.as_bytes()), expected, "{document}");
            let contains = Filter::Contains(Json::parse(r#"{"a": {"b": 1}}"#).unwrap());
            assert_eq!(matcher(&contains.and(Filter::All)).matches(document.as_bytes()), expected, "{document}");
        }
        let equal = path("a").eq(Json::parse(r#"{"b": 1}"#).unwrap()).unwrap();
        assert!(matcher(&equal).matches(br#"{"a": {"b": 2, "b": 1.0}}"#));
        assert!(!matcher(&equal).matches(br#"{"a": {"b": 1, "b": 2}}"#));
        assert!(!matcher(&equal).matches(br#"{"a": {"c": 2, "b": 1}}"#));
    }

    #[test]
    fn work_beyond_one_walk_can_be_ended() {
        let elements = |element: &str| vec![element; 20_000].join(", ");
        let many = format!("{{\"a\": [{}], \"b\": 1}}", elements("[1]"));
        let linear = path("b").eq(1).unwrap().and(path("a").size(SizeTest::Is(20_000)));
        assert_eq!(asked(&linear, &many), 0);
        assert_eq!(asked(&Filter::Contains(Json::parse("{\"b\": 1}").unwrap()), &many), 0);

        let wanted: Vec<[u32; 1]> = (2..50).map(|number| [number]).collect();
        assert!(asked(&path("a").any(&wanted).unwrap(), &many) > 10);
        assert!(asked(&path("a").all(&wanted).unwrap(), &many) > 10);
        assert!(asked(&path("a").is_in((0..50).map(|number| [[number]; 3])).unwrap(), &many) > 10);
        let deeper = "[".repeat(100) + &elements("1") + &"]".repeat(100);
        let step =
            |depth: usize| Filter::path(std::iter::once(Step::from("a")).chain(vec![Step::from(0); depth])).unwrap();
        let nested = (0..100).map(|depth| step(depth).eq(1).unwrap()).collect();
        assert!(asked(&Filter::Or(nested), &format!("{{\"a\": {deeper}}}")) > 10);
        let same_place = (0..50).map(|number| path("a").eq([number]).unwrap()).collect();
        assert!(asked(&Filter::Or(same_place), &many) > 10);

        let mut wide = String::from("{\"x\": 1");
        (0..100).for_each(|number| write!(wide, ", \"{number}\": 1").unwrap());
        let wide = Filter::Contains(Json::parse(&(wide + "}")).unwrap());
        assert!(asked(&Filter::Or(vec![wide; 20]), &many) > 10);
        let repeated = format!("{{{}}}", vec!["\"a\": 1"; 20_000].join(", "));
        let below = (0..50).map(|number| path(&format!("a.b.{number}")).exists()).collect();
        assert!(asked(&Filter::Or(below), &repeated) > 10);
    }

    #[test]
    fn debug_does_not_show_content() {
        let filter = path("secret").eq("secret").unwrap();
        assert_eq!(format!("{:?}", matcher(&filter)), "FilterMatcher { .. }");
    }
}
