//! What an event says to people.

use polymnia::schema::{Event, LockHolder, Step, Way};

use crate::output::{block, grouped, plural, spent, time};

/// A statement that took longer is told.
const LONG: u64 = 1_000;

/// Returns who holds a lock: `process 123 (ann@db1, since 2026-11-21 10:15)`.
pub(crate) fn holder(holder: Option<&LockHolder>) -> String {
    let Some(LockHolder { process, description, since }) = holder else { return "another process".to_owned() };
    let since = since.map(|since| format!(", since {}", time(since))).unwrap_or_default();
    format!("process {process} ({}{since})", block(description))
}

/// Returns a step in its place: `2/4 20261121000200 memory_indexes`.
pub(crate) fn title(number: usize, of: usize, step: &Step) -> String {
    format!("{number}/{of} {} {}", step.version, step.name)
}

/// Returns what is told of an event besides a sign of life, if anything.
pub(crate) fn note(event: &Event<'_>, number: usize, of: usize, verbose: bool) -> Option<String> {
    Some(match event {
        Event::Waiting { holder: who, millis } => {
            let waited = if *millis < LONG { String::new() } else { format!("; waited {}", spent(*millis)) };
            format!("waiting for {} to end its migration{waited}", holder(*who))
        }
        Event::BackupStarted { path } => format!("backing up to {}", block(path)),
        Event::BackupFinished { path, millis } => format!("backed up to {} ({})", block(path), spent(*millis)),
        Event::Adopted { version, applied: true } => format!("{version} was applied by another tool: taken over"),
        Event::Adopted { version, applied: false } => format!("{version} was taken back by another tool: noted"),
        Event::StepStarted { step, done } if *done > 0 => {
            format!("{}: goes on after statement {done} of {}", title(number, of, step), step.statements)
        }
        Event::Statement { index, of: statements, rows, millis, .. } if verbose || *millis >= LONG => {
            let rows = if *rows > 0 { format!("{}, ", plural(*rows, "row", "rows")) } else { String::new() };
            format!("  statement {index} of {statements}: {rows}{}", spent(*millis))
        }
        Event::Batch { index, done, total, .. } => {
            format!("  statement {index}: {} of about {} rows", grouped(*done), grouped(*total))
        }
        Event::Retrying { version, attempt, pause_millis } => {
            format!("{version}: a lock was not to be had, attempt {attempt} in {}", spent(*pause_millis))
        }
        Event::StepFinished { step, millis } => {
            let what = match step.direction {
                Way::Up => "applied",
                Way::Down => "taken back",
            };
            format!("{} {what} ({})", title(number, of, step), spent(*millis))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use polymnia::schema::Version;

    use super::*;

    #[test]
    fn what_is_told() {
        let version = Version::new("20261121000100").unwrap();
        let who = LockHolder {
            process: 7,
            description: "ann@db1".to_owned(),
            since: Some("2026-11-21T10:15:00Z".parse().unwrap()),
        };
        let told = |event: Event<'_>| note(&event, 1, 2, false);
        assert_eq!(
            told(Event::Waiting { holder: Some(&who), millis: 3_000 }).unwrap(),
            "waiting for process 7 (ann@db1, since 2026-11-21 10:15) to end its migration; waited 3.0 s"
        );
        let statement = |millis| Event::Statement { version: &version, index: 2, of: 5, rows: 1_000, millis };
        assert_eq!(told(statement(999)), None);
        assert_eq!(told(statement(2_500)).unwrap(), "  statement 2 of 5: 1,000 rows, 2.5 s");
        assert!(note(&statement(1), 1, 2, true).is_some());
        assert_eq!(
            told(Event::Retrying { version: &version, attempt: 2, pause_millis: 400 }).unwrap(),
            "20261121000100: a lock was not to be had, attempt 2 in 400 ms"
        );
        assert_eq!(told(Event::Planned { steps: &[] }), None);
    }
}
