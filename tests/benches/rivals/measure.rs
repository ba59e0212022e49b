//! Takes the measures: all sides in turns.

use std::ops::Range;
use std::time::Duration;

use serde_json::Value;

use crate::child::{Ran, Rival};
use crate::judge::Agreement;
use crate::ours::Ours;
use crate::plan::{self, Kind, Operation, Step};
use crate::report::{Report, Row, progress};
use crate::sample;

/// How often the sides take turns.
const TURNS: usize = 3;
/// How many calls warm a side up and tell how long one takes.
const WARM_UP: usize = 3;
/// How many memories are loaded at a time.
const LOAD: usize = 5_000;
/// How long the calls of a side should take together.
const BUDGET: Duration = Duration::from_millis(600);
/// The fewest and the most calls of a side.
const LEAST: usize = 30;
const MOST: usize = 600;
/// From here on, fewer calls are enough.
const LONG: Duration = Duration::from_millis(100);
const LEAST_LONG: usize = 9;

/// Is Polymnia and its rivals on one database.
pub(crate) struct Contest {
    pub(crate) database: &'static str,
    pub(crate) memories: usize,
    pub(crate) ours: Ours,
    pub(crate) rivals: Vec<Rival>,
}

/// Gathers the calls of one side in one operation.
struct Side {
    /// How many calls it makes in a turn.
    turn: usize,
    /// The time and the answer of each round.
    ran: Vec<(Duration, Value)>,
}

impl Contest {
    pub(crate) fn run(mut self, report: &mut Report) {
        report.introduce(self.ours.about());
        for rival in &self.rivals {
            report.introduce(format!("{} on {}: {}", rival.name, self.database, rival.about));
        }
        progress(&format!("{} with {} memories: loading", self.database, self.memories));
        self.load(report);
        for operation in plan::operations() {
            progress(&format!("{} with {} memories: {}", self.database, self.memories, operation.name));
            self.measure(&operation, report);
        }
    }

    fn load(&mut self, report: &mut Report) {
        let numbers: Vec<usize> = (0..self.memories).collect();
        let mut ours = Duration::ZERO;
        let mut theirs = vec![Some(Duration::ZERO); self.rivals.len()];
        for numbers in numbers.chunks(LOAD) {
            ours += self.ours.load(numbers);
            let memories: Vec<Value> = numbers.iter().map(|number| sample::memory(*number, *number)).collect();
            for (rival, sum) in self.rivals.iter_mut().zip(&mut theirs) {
                *sum = sum.zip(rival.load(&memories)).map(|(sum, taken)| sum + taken);
            }
        }
        ours += self.ours.settle();
        for (rival, sum) in self.rivals.iter_mut().zip(theirs) {
            rival.settle();
            let operation = "fill from empty";
            match sum {
                Some(theirs) => report.add(Row {
                    operation,
                    database: self.database,
                    memories: self.memories,
                    rival: rival.name,
                    ours: (ours, 1),
                    theirs: (theirs, 1),
                    agreement: Agreement::None,
                }),
                None => report.not_offered(self.database, rival.name, operation, None),
            }
        }
    }

    fn measure(&mut self, operation: &Operation, report: &mut Report) {
        let steps =
            |rounds: Range<usize>| rounds.map(|round| (operation.step)(self.memories, round)).collect::<Vec<_>>();
        let mut ours = Side::new(self.ours.run(&steps(0..WARM_UP)));
        let mut sides: Vec<(&mut Rival, Side)> = Vec::new();
        for rival in &mut self.rivals {
            if rival.writes_only() && operation.kind == Kind::Read {
                continue;
            }
            match rival.run(&steps(0..WARM_UP)) {
                Ran::Done(ran) => sides.push((rival, Side::new(ran))),
                Ran::NotOffered => report.not_offered(self.database, rival.name, operation.name, None),
                Ran::Failed(message) => report.not_offered(self.database, rival.name, operation.name, Some(message)),
            }
        }
        if sides.is_empty() {
            return;
        }
        for _ in 0..TURNS {
            ours.ran.extend(self.ours.run(&steps(ours.next_turn())));
            for (rival, side) in &mut sides {
                match rival.run(&steps(side.next_turn())) {
                    Ran::Done(ran) => side.ran.extend(ran),
                    Ran::NotOffered | Ran::Failed(_) => panic!("{} no longer does: {}", rival.name, operation.name),
                }
            }
        }
        for (rival, side) in sides {
            let rounds = steps(0..ours.ran.len().min(side.ran.len()));
            report.add(Row {
                operation: operation.name,
                database: self.database,
                memories: self.memories,
                rival: rival.name,
                ours: ours.median(),
                theirs: side.median(),
                agreement: ours.agreement(&side, &rounds),
            });
        }
    }
}

impl Side {
    /// Begins with the calls that warm it up, and tells by them how many it makes in a turn.
    fn new(ran: Vec<(Duration, Value)>) -> Self {
        let one = ran.iter().map(|(taken, _)| *taken).min().unwrap_or_default();
        let least = if one > LONG { LEAST_LONG } else { LEAST };
        let fit = usize::try_from(BUDGET.as_nanos() / one.as_nanos().max(1)).unwrap_or(usize::MAX);
        Self { turn: fit.clamp(least, MOST).div_ceil(TURNS), ran }
    }

    /// Returns the rounds of its next turn: each has memories of its own to write.
    fn next_turn(&self) -> Range<usize> {
        self.ran.len()..self.ran.len() + self.turn
    }

    /// Returns the median of the calls after those that warmed it up, and how many they are.
    fn median(&self) -> (Duration, usize) {
        let mut times: Vec<Duration> = self.ran.iter().skip(WARM_UP).map(|(taken, _)| *taken).collect();
        times.sort_unstable();
        (times[times.len() / 2], times.len())
    }

    /// Returns the worst agreement in these rounds.
    fn agreement(&self, theirs: &Self, rounds: &[Step]) -> Agreement {
        let answers = self.ran.iter().zip(&theirs.ran);
        let pairs = rounds.iter().zip(answers);
        pairs
            .map(|(step, ((_, ours), (_, theirs)))| Agreement::of(&step.call, ours, theirs))
            .max()
            .unwrap_or(Agreement::None)
    }
}
