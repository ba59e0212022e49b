//! The suite without a test harness: for programs that judge a dialect.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use polymnia::Result;

use crate::fixture::{Database, Subject};
use crate::suite::{Case, Claims, Need, Standing};

/// Is how a dialect did in one case.
#[derive(Clone, Debug)]
pub struct CaseResult {
    /// The case.
    pub case: &'static Case,
    /// How it went.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
}

/// Says how a case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The dialect does it right.
    Passed,
    /// It does not.
    Failed {
        /// Where in the suite and what was wrong. It may quote memories, which are all made up by the suite.
        message: String,
    },
    /// The case needs this, which the dialect does not claim.
    NotClaimed(Need),
    /// The case is about the lack of this, which the dialect claims.
    Claimed(Need),
}

/// Is what was asked of one capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The capability; none for what every dialect does.
    pub need: Option<Need>,
    /// Whether the dialect claims it.
    pub claimed: bool,
    /// How many cases it passed. Where it is not claimed, these are of refusing it.
    pub passed: usize,
    /// How many it failed.
    pub failed: usize,
}

/// Runs cases one after the other, each on a fresh database, and hands over each result as it comes.
///
/// A panic is a failure of its case and is not printed; nor are those of threads without a name meanwhile, for cases have such.
/// One run of a process waits for another to end.
///
/// # Errors
///
/// If the first database can't be made or opened. Later ones fail their case.
pub fn run(
    cases: impl IntoIterator<Item = &'static Case>,
    mut fresh: impl FnMut() -> Result<Box<dyn Database>>,
    mut on_result: impl FnMut(&CaseResult),
) -> Result<Vec<CaseResult>> {
    let claims = Claims::of(&*fresh()?)?;
    let _quiet = Quiet::begin();
    let judge = |case: &'static Case| {
        let began = Instant::now();
        let verdict = match case.standing(&claims) {
            Standing::NotClaimed(need) => Verdict::NotClaimed(need),
            Standing::Claimed(need) => Verdict::Claimed(need),
            Standing::Applies => match fresh() {
                Ok(database) => Quiet::judge(case, database),
                Err(error) => Verdict::Failed { message: format!("no fresh database: {error}") },
            },
        };
        let result = CaseResult { case, verdict, took: began.elapsed() };
        on_result(&result);
        result
    };
    Ok(cases.into_iter().map(judge).collect())
}

/// Sums results up by capability, in the order of [`Need::ALL`], what every dialect does first.
pub fn by_capability(results: &[CaseResult]) -> Vec<Group> {
    let needs = std::iter::once(None).chain(Need::ALL.map(Some));
    let group = |need| {
        let of: Vec<&CaseResult> = results.iter().filter(|result| result.case.about() == need).collect();
        let count = |wanted: fn(&Verdict) -> bool| of.iter().filter(|result| wanted(&result.verdict)).count();
        (!of.is_empty()).then(|| Group {
            need,
            claimed: !of.iter().any(|result| need.is_some_and(|need| result.verdict == Verdict::NotClaimed(need))),
            passed: count(|verdict| *verdict == Verdict::Passed),
            failed: count(|verdict| matches!(verdict, Verdict::Failed { .. })),
        })
    };
    needs.filter_map(group).collect()
}

/// Keeps panics to itself until it is dropped.
struct Quiet {
    before: Arc<Hook>,
    _one_at_a_time: MutexGuard<'static, ()>,
}

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// The panics of the case that runs.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Quiet {
    fn begin() -> Self {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let before: Arc<Hook> = Arc::new(panic::take_hook());
        let runner = thread::current().id();
        let otherwise = Arc::clone(&before);
        panic::set_hook(Box::new(move |info| {
            let here = thread::current();
            if here.id() == runner || here.name().is_none() {
                panics().push(told(info));
            } else {
                otherwise(info);
            }
        }));
        Self { before, _one_at_a_time: guard }
    }

    fn judge(case: &Case, database: Box<dyn Database>) -> Verdict {
        panics().clear();
        let subject = Subject::of(database);
        let ended = panic::catch_unwind(AssertUnwindSafe(|| {
            (case.run)(&subject);
            // Closing is a part of the case.
            drop(subject);
        }));
        match ended {
            Ok(()) => Verdict::Passed,
            // The first tells most: a thread of the case that ends makes those fail that wait for it.
            Err(payload) => {
                let first = panics().first().cloned();
                Verdict::Failed { message: first.unwrap_or_else(|| text(&*payload).to_owned()) }
            }
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A thread that panics can't set a hook.
        if !thread::panicking() {
            let before = Arc::clone(&self.before);
            panic::set_hook(Box::new(move |info| before(info)));
        }
    }
}

fn panics() -> MutexGuard<'static, Vec<String>> {
    PANICS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn told(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(String::new, |place| format!("{}:{}: ", place.file(), place.line()));
    format!("{place}{}", text(info.payload()))
}

fn text(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        (None, None) => "panicked",
    }
}
