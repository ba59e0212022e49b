//! What holds of every history, however it branches.

use proptest::prelude::*;

use super::*;

/// Is a history that branches and joins, an application on top of it, and how far both are applied.
#[derive(Clone, Debug)]
struct Shape {
    ours: Vec<Drawn>,
    application: Vec<Drawn>,
    applied: Vec<bool>,
    pick: usize,
    steps: usize,
}

/// Is one version: the number in its name, and the places of its parents, which stand before it.
#[derive(Clone, Debug)]
struct Drawn {
    number: usize,
    parents: Vec<usize>,
}

/// Draws a history whose versions are named in order, and may leave it at that, or named in any order: parents then stand in the
/// metadata of all but the first.
fn branching() -> impl Strategy<Value = Vec<Drawn>> {
    let parents = prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..3), 1..9);
    (parents, any::<bool>(), any::<u64>()).prop_map(|(drawn, in_order, seed)| {
        let mut numbers: Vec<usize> = (2..=drawn.len()).collect();
        if !in_order {
            fastrand::Rng::with_seed(seed).shuffle(&mut numbers);
        }
        numbers.insert(0, 1);
        let version = |(at, drawn): (usize, &Vec<prop::sample::Index>)| {
            let mut parents: Vec<usize> = drawn.iter().filter(|_| at > 0).map(|index| index.index(at.max(1))).collect();
            if parents.is_empty() && at > 0 && !in_order {
                parents.push(at - 1);
            }
            parents.sort_unstable();
            parents.dedup();
            Drawn { number: numbers[at], parents }
        };
        drawn.iter().enumerate().map(version).collect()
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    (branching(), branching(), prop::collection::vec(any::<bool>(), 20), any::<usize>(), any::<usize>())
        .prop_map(|(ours, application, applied, pick, steps)| Shape { ours, application, applied, pick, steps })
}

/// Makes sources whose last version joins all that has no child.
fn sources_of(shape: &Shape) -> [Source; 2] {
    let of = |prefix: &str, drawn: &[Drawn]| {
        let name = |at: usize| format!("{prefix}{}", drawn[at].number);
        let mut scripts = Vec::new();
        let mut taken = BTreeSet::new();
        for (at, Drawn { parents, .. }) in drawn.iter().enumerate() {
            let named: Vec<String> = parents.iter().map(|parent| name(*parent)).collect();
            scripts.push(upon(&name(at), &named.iter().map(String::as_str).collect::<Vec<_>>()));
            taken.extend(parents.iter().copied());
            if parents.is_empty() && at > 0 {
                taken.insert(at - 1); // By its place, as it says nothing else.
            }
        }
        let heads: Vec<String> = (0..drawn.len()).filter(|at| !taken.contains(at)).map(name).collect();
        let last = format!("{prefix}{}", drawn.len() + 1);
        scripts.push(upon(&last, &heads.iter().map(String::as_str).collect::<Vec<_>>()));
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
        let upon = |one: &&Version| one.prefix() == target.prefix() && history.parents(one).contains(target);
        prop_assert_eq!(left.iter().find(upon), None, "something newer is left");
        // What went had to go: it is newer, or built upon what is.
        for step in &plan.steps {
            let parents = history.parents(&step.version);
            let newer = step.version.prefix() == target.prefix() && parents.contains(target);
            prop_assert!(newer || plan.steps.iter().any(|other| parents.contains(&other.version)), "{}", step.version);
        }
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
