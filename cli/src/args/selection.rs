//! The conditions that `search`, `explain`, `count` and `delete` have in common.

use clap::{Args, ValueEnum};
use polymnia::{Filter, Match, Order, Result, Selection, ThreadId, Tier, TimeRange};

use super::filter;
use crate::failure::OfOption as _;
use crate::moment::{Way, moment};

/// Says which memories are meant. All conditions must hold.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Conditions")]
pub(crate) struct SelectionArgs {
    /// Metadata contains this JSON, as PostgreSQL's @> has it: '{"kind":"preference"}'
    #[arg(long = "where", value_name = "JSON")]
    pub(crate) contains: Option<String>,
    /// The filter language selects it: '{"score":{"$gte":9}}'; `polymnia search --help` has the whole
    #[arg(long, value_name = "JSON")]
    pub(crate) filter: Option<String>,
    /// Of this user
    #[arg(long, value_name = "ID", conflicts_with = "no_user")]
    pub(crate) user: Option<String>,
    /// Of no user
    #[arg(long)]
    pub(crate) no_user: bool,
    /// Of this agent
    #[arg(long, value_name = "ID", conflicts_with = "no_agent")]
    pub(crate) agent: Option<String>,
    /// Of no agent
    #[arg(long)]
    pub(crate) no_agent: bool,
    /// Of this thread
    #[arg(long, value_name = "ID", conflicts_with = "no_thread")]
    pub(crate) thread: Option<String>,
    /// Of no thread
    #[arg(long)]
    pub(crate) no_thread: bool,
    /// Related to this thread, or to any of those given
    #[arg(long = "related-thread", value_name = "ID")]
    pub(crate) related_threads: Vec<String>,
    /// In this tier, or in any of those given
    #[arg(long = "tier", value_name = "TIER")]
    pub(crate) tiers: Vec<String>,
    /// Created at this time or later: RFC 3339, a date, or how long ago (12h, 30d)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Created before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Last written at this time or later
    #[arg(long, value_name = "TIME")]
    pub(crate) updated_since: Option<String>,
    /// Last written before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) updated_until: Option<String>,
}

impl SelectionArgs {
    /// Returns the selection, each value checked.
    pub(crate) fn selection(&self) -> Result<Selection> {
        let time = |text: &Option<String>, name| {
            text.as_deref().map(|text| moment(text, Way::Ago)).transpose().of_option(name)
        };
        let threads = |text: &String| ThreadId::new(text.as_str());
        Ok(Selection {
            user: condition(self.user.as_deref(), self.no_user).of_option("--user")?,
            agent: condition(self.agent.as_deref(), self.no_agent).of_option("--agent")?,
            thread: condition(self.thread.as_deref(), self.no_thread).of_option("--thread")?,
            related_threads: self
                .related_threads
                .iter()
                .map(threads)
                .collect::<Result<_>>()
                .of_option("--related-thread")?,
            tiers: self.tiers.iter().map(|text| Tier::new(text.as_str())).collect::<Result<_>>().of_option("--tier")?,
            created: TimeRange { from: time(&self.since, "--since")?, until: time(&self.until, "--until")? },
            updated: TimeRange {
                from: time(&self.updated_since, "--updated-since")?,
                until: time(&self.updated_until, "--updated-until")?,
            },
            filter: filter::combined(self.contains.as_deref(), self.filter.as_deref())?,
        })
    }
}

/// Returns whether the selection leaves nothing out, as far as its form tells.
pub(crate) fn selects_all(selection: &Selection) -> bool {
    let mut selection = selection.clone();
    if filter::selects_all(&selection.filter) {
        selection.filter = Filter::All;
    }
    selection.is_all()
}

/// Returns the options that mean this selection, times written out.
pub(crate) fn options(selection: &Selection) -> Vec<String> {
    let Selection { user, agent, thread, related_threads, tiers, created, updated, filter } = selection;
    let mut options = Vec::new();
    let mut push = |name: &str, value: &dyn ToString| {
        let value = value.to_string();
        if value.starts_with('-') {
            options.push(format!("{name}={value}"));
        } else {
            options.extend([name.to_owned(), value]);
        }
    };
    for (name, value) in [("--user", is(user)), ("--agent", is(agent)), ("--thread", is(thread))] {
        if let Some(value) = value {
            push(name, &value);
        }
    }
    for thread in related_threads {
        push("--related-thread", thread);
    }
    for tier in tiers {
        push("--tier", tier);
    }
    for (name, time) in [
        ("--since", created.from),
        ("--until", created.until),
        ("--updated-since", updated.from),
        ("--updated-until", updated.until),
    ] {
        if let Some(time) = time {
            push(name, &time);
        }
    }
    for (name, value) in filter::options(filter) {
        push(name, &value);
    }
    for (name, absent) in [
        ("--no-user", *user == Match::Absent),
        ("--no-agent", *agent == Match::Absent),
        ("--no-thread", *thread == Match::Absent),
    ] {
        if absent {
            options.push(name.to_owned());
        }
    }
    options
}

fn is<T: ToString>(condition: &Match<T>) -> Option<String> {
    match condition {
        Match::Is(value) => Some(value.to_string()),
        Match::Any | Match::Absent => None,
    }
}

fn condition<T: std::str::FromStr<Err = polymnia::Error>>(value: Option<&str>, absent: bool) -> Result<Match<T>> {
    match value {
        Some(value) => value.parse().map(Match::Is),
        None if absent => Ok(Match::Absent),
        None => Ok(Match::Any),
    }
}

/// Is the name of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OrderName {
    /// Newest first.
    #[default]
    CreatedDesc,
    /// Oldest first.
    CreatedAsc,
    /// Last written first.
    UpdatedDesc,
    /// First written first.
    UpdatedAsc,
    /// Most important first.
    ImportanceDesc,
    /// Least important first.
    ImportanceAsc,
}

impl OrderName {
    /// Returns the order.
    pub(crate) fn order(self) -> Order {
        match self {
            Self::CreatedDesc => Order::CREATED_DESC,
            Self::CreatedAsc => Order::CREATED_ASC,
            Self::UpdatedDesc => Order::UPDATED_DESC,
            Self::UpdatedAsc => Order::UPDATED_ASC,
            Self::ImportanceDesc => Order::IMPORTANCE_DESC,
            Self::ImportanceAsc => Order::IMPORTANCE_ASC,
        }
    }

    /// Returns the name as it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CreatedDesc => "created-desc",
            Self::CreatedAsc => "created-asc",
            Self::UpdatedDesc => "updated-desc",
            Self::UpdatedAsc => "updated-asc",
            Self::ImportanceDesc => "importance-desc",
            Self::ImportanceAsc => "importance-asc",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        selection: SelectionArgs,
    }

    fn parse(line: &[String]) -> Selection {
        let line = std::iter::once("x".to_owned()).chain(line.iter().cloned());
        Line::try_parse_from(line).unwrap().selection.selection().unwrap()
    }

    #[test]
    fn options_mean_the_selection_they_came_from() {
        let line = [
            "--where",
            r#"{"a": 1}"#,
            "--filter",
            r#"{"score": {"$gte": 9}}"#,
            "--user",
            "mara",
            "--no-thread",
            "--related-thread",
            "t1",
            "--related-thread",
            "t2",
            "--tier",
            "long_term",
            "--since",
            "30d",
            "--updated-until",
            "2026-03-02",
        ]
        .map(str::to_owned);
        let selection = parse(&line);
        assert_eq!(parse(&options(&selection)), selection);
        assert!(!selects_all(&selection));
    }

    #[test]
    fn an_empty_needle_or_filter_leaves_nothing_out() {
        for line in [&[][..], &["--where", "{ }"], &["--filter", "{ }"], &["--where", "{}", "--filter", "{}"]] {
            let line: Vec<String> = line.iter().map(|&word| word.to_owned()).collect();
            assert!(selects_all(&parse(&line)), "{line:?}");
        }
        assert!(!selects_all(&parse(&["--no-user".to_owned()])));
    }
}
