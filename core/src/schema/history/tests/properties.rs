//! What holds of every history, however it branches.

use proptest::prelude::*;

use super::*;

/// Is a history that branches and joins: for each version the places of its parents, all below it, and then how many of the
/// versions are applied, and an application on top.
#[derive(Clone, Debug)]
struct Shape {
    ours: Vec<Vec<usize>>,
    application: Vec<Vec<usize>>,
    applied: Vec<bool>,
    pick: usize,
    steps: usize,
}

fn branching() -> impl Strategy<Value = Vec<Vec<usize>>> {
    prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..3), 1..9).prop_map(|drawn| {
        let parents = drawn.iter().enumerate().map(|(at, drawn)| {
            let mut parents: Vec<usize> = drawn.iter().filter(|_| at > 0).map(|index| index.index(at.max(1))).collect();
            parents.sort_unstable();
            parents.dedup();
            parents
        });
        parents.collect()
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    (branching(), branching(), prop::collection::vec(any::<bool>(), 20), any::<usize>(), any::<usize>())
        .prop_map(|(ours, application, applied, pick, steps)| Shape { ours, application, applied, pick, steps })
}

/// Makes a source whose last version joins all that has no child.
fn sources_of(shape: &Shape) -> [Source; 2] {
    let of = |prefix: &str, parents: &[Vec<usize>]| {
        let name = |at: usize| format!("{prefix}{}", at + 1);
        let mut scripts: Vec<Script> = parents
            .iter()
            .enumerate()
            .map(|(at, parents)| {
                let parents: Vec<String> = parents.iter().map(|parent| name(*parent)).collect();
                upon(&name(at), &parents.iter().map(String::as_str).collect::<Vec<_>>())
            })
            .collect();
        let taken: BTreeSet<Version> = (0..parents.len())
            .flat_map(|at| {
                let implied = (at > 0 && parents[at].is_empty()).then(|| version(&name(at - 1)));
                scripts[at].metadata.parents.iter().cloned().chain(implied).collect::<Vec<_>>()
            })
            .collect();
        let heads: Vec<Version> =
            scripts.iter().map(|script| &script.version).filter(|one| !taken.contains(one)).cloned().collect();
        let mut join = script(&name(parents.len()));
        join.metadata.parents = heads;
        scripts.push(join);
        source(scripts)
    };
    [of("", &shape.ours), of("shop", &shape.application)]
}

/// Records some versions as applied, never one without its parents.
fn ledger_of(shape: &Shape, sources: &[Source]) -> Ledger {
    let mut ledger = ran(sources, &[]);
    let order = History::new(sources, &Ledger::default()).pending();
    for (version, drawn) in order.iter().zip(shape.applied.iter().cycle()) {
        let parents = History::new(sources, &ledger).parents(version);
        if *drawn && parents.iter().all(|parent| History::new(sources, &ledger).is_applied(parent)) {
            add(&mut ledger, sources, version, State::Applied);
        }
    }
    ledger
}

/// Runs a plan over a set, checking at each step that the set stays one that could have come about.
fn follow(sources: &[Source], ledger: &Ledger, plan: &Plan) -> BTreeSet<Version> {
    let history = History::new(sources, ledger);
    let mut applied: BTreeSet<Version> = history.applied().into_iter().collect();
    for step in &plan.steps {
        let version = &step.version;
        match step.direction {
            crate::schema::Way::Up => assert!(applied.insert(version.clone()), "{version} is applied twice"),
            crate::schema::Way::Down => assert!(applied.remove(version), "{version} is taken back twice"),
        }
        for one in &applied {
            let missing: Vec<_> = history.parents(one).into_iter().filter(|parent| !applied.contains(parent)).collect();
            assert!(missing.is_empty(), "after {version}, {one} stands without {missing:?}");
        }
    }
    assert_eq!(plan.to.as_ref().is_none(), applied.is_empty());
    assert!(plan.to.as_ref().is_none_or(|to| applied.contains(to)));
    applied
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_upgrade_applies_all_parents_first(shape in shape()) {
        let sources = sources_of(&shape);
        let ledger = ledger_of(&shape, &sources);
        let all: BTreeSet<Version> = sources.iter().flat_map(|s| &s.scripts).map(|s| s.version.clone()).collect();
        let plan = up(&sources, &ledger, &Target::Head).unwrap();
        prop_assert_eq!(follow(&sources, &ledger, &plan), all);
    }

    #[test]
    fn an_upgrade_to_a_version_applies_what_it_needs_and_no_more(shape in shape()) {
        let sources = sources_of(&shape);
        let ledger = ledger_of(&shape, &sources);
        let history = History::new(&sources, &ledger);
        let all = history.entries();
        let target = all[shape.pick % all.len()].version.clone();
        let plan = up(&sources, &ledger, &Target::Version(target.to_string())).unwrap();
        let applied = follow(&sources, &ledger, &plan);
        prop_assert!(applied.contains(&target));
        // Each step is needed: something that was wanted is built upon it.
        for step in &plan.steps {
            let needed = step.version == target
                || plan.steps.iter().any(|other| history.parents(&other.version).contains(&step.version))
                || history.parents(&target).contains(&step.version);
            prop_assert!(needed, "{} is applied for nothing", step.version);
        }
    }

    #[test]
    fn a_downgrade_takes_back_children_first(shape in shape()) {
        let sources = sources_of(&shape);
        let ledger = ledger_of(&shape, &sources);
        let base = down(&sources, &ledger, &Target::Base).unwrap();
        prop_assert!(follow(&sources, &ledger, &base).is_empty());
        let count = History::new(&sources, &ledger).applied().len();
        let steps = shape.steps % (count + 1);
        let back = down(&sources, &ledger, &Target::Steps(u32::try_from(steps).unwrap())).unwrap();
        prop_assert_eq!(follow(&sources, &ledger, &back).len(), count - steps);
    }

    #[test]
    fn a_downgrade_to_a_version_leaves_it_on_top(shape in shape()) {
        let sources = sources_of(&shape);
        let ledger = ledger_of(&shape, &sources);
        let history = History::new(&sources, &ledger);
        let applied = history.applied();
        prop_assume!(!applied.is_empty());
        let target = &applied[shape.pick % applied.len()];
        let plan = down(&sources, &ledger, &Target::Version(target.to_string())).unwrap();
        let left = follow(&sources, &ledger, &plan);
        prop_assert!(left.contains(target));
        prop_assert!(left.iter().all(|one| !history.parents(one).contains(target)), "something still stands on it");
    }

    #[test]
    fn down_and_up_again_ends_where_it_began(shape in shape()) {
        let sources = sources_of(&shape);
        let ledger = ledger_of(&shape, &sources);
        let plan = down(&sources, &ledger, &Target::Base).unwrap();
        prop_assert!(follow(&sources, &ledger, &plan).is_empty());
        let after = ran(&sources, &[]);
        let plan = up(&sources, &after, &Target::Head).unwrap();
        // A fresh database gets every version once, whatever was drawn.
        prop_assert_eq!(plan.steps.len(), sources.iter().map(|source| source.scripts.len()).sum::<usize>());
    }

    #[test]
    fn a_stamp_could_have_come_about(shape in shape()) {
        let sources = sources_of(&shape);
        let ledger = ledger_of(&shape, &sources);
        let history = History::new(&sources, &ledger);
        let all = history.entries();
        let target = all[shape.pick % all.len()].version.clone();
        let wanted = history.up_to(&Target::Version(target.to_string())).unwrap();
        prop_assert!(wanted.contains(&target));
        for one in &wanted {
            prop_assert!(history.parents(one).iter().all(|parent| wanted.contains(parent)), "{one} lacks a parent");
        }
    }
}
