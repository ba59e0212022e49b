//! What a document must have for a filter to select it, in terms that an index holds.

use super::{Filter, Path, Step, Test};
use crate::Json;
use crate::json::leaf::Leaf;
use crate::json::scan::{Kind, Scan, Scanner};
use crate::json::string::RawString;
use crate::json::terms::{NamespaceTerms, Place};

/// Is a condition that every memory a filter selects fulfils; a memory that fulfils it must still be looked at.
///
/// Terms are those of [`NamespaceTerms`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// No condition that an index knows: every memory is a candidate.
    Anything,
    /// No memory is selected, whatever it holds.
    Nothing,
    /// The document has this leaf term.
    Leaf(i32),
    /// The document has this path term.
    Path(i32),
    /// All of these hold; two or more, of which none is one of the first two, nor `All`.
    All(Vec<Need>),
    /// At least one of these holds; two or more, of which none is one of the first two, nor `Any`.
    Any(Vec<Need>),
}

impl Need {
    /// Returns what a filter needs of a document.
    pub fn of(filter: &Filter, terms: &NamespaceTerms) -> Self {
        match filter {
            Filter::All | Filter::Field(_) => Self::Anything,
            Filter::Contains(needle) if needle.is_object() => Self::of_value(needle, terms.root(), terms),
            Filter::Contains(_) => Self::Nothing,
            Filter::Metadata { path, test } => Self::of_test(path, test, terms),
            Filter::And(all) => Self::all(all.iter().map(|filter| Self::of(filter, terms))),
            Filter::Or(any) => Self::any(any.iter().map(|filter| Self::of(filter, terms))),
            Filter::Not(inner) => Self::of_not(inner, terms),
        }
    }

    /// Returns what the contrary of a filter needs. That a document lacks a term is no condition that an index knows.
    fn of_not(filter: &Filter, terms: &NamespaceTerms) -> Self {
        match filter {
            Filter::All => Self::Nothing,
            Filter::Contains(_) | Filter::Metadata { .. } | Filter::Field(_) => Self::Anything,
            Filter::And(all) => Self::any(all.iter().map(|filter| Self::of_not(filter, terms))),
            Filter::Or(any) => Self::all(any.iter().map(|filter| Self::of_not(filter, terms))),
            Filter::Not(inner) => Self::of(inner, terms),
        }
    }

    fn of_test(path: &Path, test: &Test, terms: &NamespaceTerms) -> Self {
        // The root is an object: no index leads anywhere from there.
        let (Some(Step::Key(_)), Some(last)) = (path.steps().first(), path.steps().last()) else {
            return Self::Nothing;
        };
        let mut place = terms.root();
        for step in path.steps() {
            if let Step::Key(key) = step {
                place = terms.member(place, &RawString::new(key.as_bytes(), false), &mut Vec::new());
            }
        }
        let is_there = || match last {
            Step::Key(_) => Self::Path(place.anything()),
            Step::Index(_) => Self::Path(terms.array(place)),
        };
        let of_all =
            |values: &[Json]| -> Vec<Self> { values.iter().map(|value| Self::of_value(value, place, terms)).collect() };
        match test {
            Test::Exists | Test::Compare(..) | Test::Prefix(_) => is_there(),
            Test::Eq(value) => Self::of_value(value, place, terms),
            Test::In(values) | Test::Any(values) => Self::any(of_all(values)),
            Test::All(values) if !values.is_empty() => Self::all(of_all(values)),
            Test::All(_) | Test::Size(_) => Self::Path(terms.array(place)),
        }
    }

    /// Returns what a document needs to have this value, or more than that, at a place.
    fn of_value(value: &Json, place: Place, terms: &NamespaceTerms) -> Self {
        let mut parts = Parts { needs: Vec::new(), terms, message: Vec::new() };
        let mut scan = Scanner::new(value.as_str().as_bytes());
        match parts.value(&mut scan, place, 0) {
            Ok(()) => Self::all(parts.needs),
            // A damaged value equals nothing.
            Err(_) => Self::Nothing,
        }
    }

    fn all(needs: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Vec::new();
        for need in needs {
            match need {
                Self::Nothing => return Self::Nothing,
                Self::Anything => {}
                Self::All(inner) => all.extend(inner),
                one => all.push(one),
            }
        }
        match one_of_each(&mut all) {
            One::None => Self::Anything,
            One::Only(one) => one,
            One::Many => Self::All(all),
        }
    }

    fn any(needs: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Vec::new();
        for need in needs {
            match need {
                Self::Anything => return Self::Anything,
                Self::Nothing => {}
                Self::Any(inner) => any.extend(inner),
                one => any.push(one),
            }
        }
        match one_of_each(&mut any) {
            One::None => Self::Nothing,
            One::Only(one) => one,
            One::Many => Self::Any(any),
        }
    }
}

enum One {
    None,
    Only(Need),
    Many,
}

fn one_of_each(needs: &mut Vec<Need>) -> One {
    needs.sort_unstable();
    needs.dedup();
    match needs.len() {
        0 => One::None,
        1 => needs.pop().map_or(One::None, One::Only),
        _ => One::Many,
    }
}

/// Gathers what the parts of a value need: its leaves, and its empty containers.
struct Parts<'a> {
    needs: Vec<Need>,
    terms: &'a NamespaceTerms,
    message: Vec<u8>,
}

impl Parts<'_> {
    fn value(&mut self, scan: &mut Scanner<'_>, place: Place, depth: usize) -> Scan<()> {
        let kind = match Leaf::read(scan)? {
            Ok(leaf) => {
                self.needs.push(Need::Leaf(self.terms.leaf(place, &leaf, &mut self.message)));
                return Ok(());
            }
            Err(kind) => kind,
        };
        scan.open(depth)?;
        if scan.close(kind) {
            match kind {
                // The root is always there.
                _ if place == self.terms.root() => {}
                Kind::Object => self.needs.push(Need::Path(self.terms.object(place))),
                _ => self.needs.push(Need::Path(self.terms.array(place))),
            }
            return Ok(());
        }
        loop {
            let place = match kind {
                Kind::Object => self.terms.member(place, &scan.key()?, &mut self.message),
                _ => place,
            };
            self.value(scan, place, depth + 1)?;
            if !scan.comma_or_close(kind)? {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{SizeTest, TermHasher};
    use crate::{Filter, Namespace};

    fn terms() -> NamespaceTerms {
        TermHasher::new([1; 16]).namespace(&Namespace::new("acme").unwrap())
    }

    fn place(keys: &[&str]) -> Place {
        keys.iter().fold(terms().root(), |place, key| {
            terms().member(place, &RawString::new(key.as_bytes(), false), &mut Vec::new())
        })
    }

    fn leaf(keys: &[&str], scalar: &str) -> Need {
        let leaf = Leaf::read(&mut Scanner::new(scalar.as_bytes())).unwrap().unwrap();
        Need::Leaf(terms().leaf(place(keys), &leaf, &mut Vec::new()))
    }

    fn anything(keys: &[&str]) -> Need {
        Need::Path(place(keys).anything())
    }

    fn object(keys: &[&str]) -> Need {
        Need::Path(terms().object(place(keys)))
    }

    fn array(keys: &[&str]) -> Need {
        Need::Path(terms().array(place(keys)))
    }

    fn all(mut needs: Vec<Need>) -> Need {
        needs.sort();
        Need::All(needs)
    }

    fn any(mut needs: Vec<Need>) -> Need {
        needs.sort();
        Need::Any(needs)
    }

    fn of(filter: &Filter) -> Need {
        Need::of(filter, &terms())
    }

    fn contains(needle: &str) -> Filter {
        Filter::Contains(Json::parse(needle).unwrap())
    }

    fn path(path: &str) -> crate::filter::PathBuilder {
        Filter::path(path.parse::<Path>().unwrap().steps().iter().cloned()).unwrap()
    }

    fn json(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    #[test]
    fn containment_needs_leaves_and_empty_containers() {
        for (needle, need) in [
            ("{}", Need::Anything),
            ("[]", Need::Nothing),
            ("[1]", Need::Nothing),
            ("1", Need::Nothing),
            ("null", Need::Nothing),
            (r#"{"a": null}"#, leaf(&["a"], "null")),
            (r#"{"a": {}}"#, object(&["a"])),
            (r#"{"a": []}"#, array(&["a"])),
            (r#"{"a": [[]]}"#, array(&["a"])),
            (r#"{"a": [{}]}"#, object(&["a"])),
            (r#"{"a": [1, [1.0], "1"]}"#, all(vec![leaf(&["a"], "1"), leaf(&["a"], "\"1\"")])),
            (r#"{"a": {"b": true}, "": [{"c": []}]}"#, all(vec![leaf(&["a", "b"], "true"), array(&["", "c"])])),
        ] {
            assert_eq!(of(&contains(needle)), need, "{needle}");
        }
    }

    #[test]
    fn tests_need_what_stands_at_their_path() {
        for (filter, need) in [
            (path("a.b").exists(), anything(&["a", "b"])),
            (path(r#"["a", 0]"#).exists(), array(&["a"])),
            (path(r#"["a", 0, 1]"#).exists(), array(&["a"])),
            (path(r#"["a", 0, "b"]"#).gt(1).unwrap(), anything(&["a", "b"])),
            (path(r#"[0, "a"]"#).exists(), Need::Nothing),
            (path("a").prefix("x").unwrap(), anything(&["a"])),
            (path("a").size(SizeTest::Is(0)), array(&["a"])),
            (path(r#"["a", 2]"#).eq("x").unwrap(), leaf(&["a"], "\"x\"")),
            (path("a").eq(json("{}")).unwrap(), object(&["a"])),
            (path("a").eq(json(r#"{"b": [1]}"#)).unwrap(), leaf(&["a", "b"], "1")),
            (path("a").is_in([1, 2]).unwrap(), any(vec![leaf(&["a"], "1"), leaf(&["a"], "2")])),
            (path("a").is_in([json("1"), json("1.0")]).unwrap(), leaf(&["a"], "1")),
            (path("a").is_in([0; 0]).unwrap(), Need::Nothing),
            (path("a").any([json("[]"), json("2")]).unwrap(), any(vec![array(&["a"]), leaf(&["a"], "2")])),
            (path("a").any([0; 0]).unwrap(), Need::Nothing),
            (path("a").all([1, 2]).unwrap(), all(vec![leaf(&["a"], "1"), leaf(&["a"], "2")])),
            (path("a").all([0; 0]).unwrap(), array(&["a"])),
        ] {
            assert_eq!(of(&filter), need, "{filter:?}");
        }
    }

    #[test]
    fn logic_is_simplified() {
        let [a, b] = ["a", "b"].map(|key| path(key).exists());
        let [need_a, need_b] = ["a", "b"].map(|key| anything(&[key]));
        let both = || all(vec![need_a.clone(), need_b.clone()]);
        let either = || any(vec![need_a.clone(), need_b.clone()]);
        for (filter, need) in [
            (Filter::All, Need::Anything),
            (Filter::And(vec![]), Need::Anything),
            (Filter::Or(vec![]), Need::Nothing),
            (a.clone().not(), Need::Anything),
            (a.clone().and(Filter::All), need_a.clone()),
            (a.clone().and(a.clone()), need_a.clone()),
            (a.clone().and(Filter::Or(vec![])), Need::Nothing),
            (a.clone().and(b.clone()).and(a.clone().and(b.clone())), both()),
            (a.clone().or(b.clone()).or(a.clone()), either()),
            (a.clone().or(Filter::All), Need::Anything),
            (a.clone().or(b.clone().not()), Need::Anything),
            (a.clone().and(b.clone().not()), need_a.clone()),
            (a.clone().or(Filter::Or(vec![])), need_a.clone()),
            (Filter::Not(Box::new(a.clone().not())), need_a.clone()),
            (a.clone().not().and(b.clone().not()).not(), either()),
            (a.clone().not().or(b.clone().not()).not(), both()),
            (Filter::All.not(), Need::Nothing),
            (a.clone().and(b.clone()).or(a.clone()), any(vec![both(), need_a.clone()])),
        ] {
            assert_eq!(of(&filter), need, "{filter:?}");
        }
    }
}
