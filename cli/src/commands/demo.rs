//! `demo`

use std::time::{Duration, Instant};

use clap::Parser as _;
use polymnia::{
    Access, ConnectionString, Error, ErrorKind, Explanation, Memory, MemoryStore, Namespace, OnConflict, Query, Result,
};
use serde::Serialize;
use tempfile::TempDir;

use super::explain::how;
use crate::args::{Cli, Command, DemoArgs, Format};
use crate::context::{Context, Missing, OnInterrupt};
use crate::dialects::DEMO_SCHEME;
use crate::failure::{Exit, Outcome};
use crate::import::{self, NamespaceRule, Options, Progress, Source};
use crate::interrupt;
use crate::output::{Column, Out, Table, duration, grouped, one_line, plural, shell_line, time};
use crate::settings;
use crate::url;

/// Some two hundred turns of a support case, in the form that `import` reads.
const CONVERSATION: &str = include_str!("../../assets/demo.jsonl");
/// How many memories of each answer are shown.
const SHOWN: u32 = 4;

/// The questions to the conversation, and the searches that answer them.
const QUESTIONS: [Question; 3] = [
    Question {
        text: "How does Mara want to be reached?",
        options: &["--user", "mara", "--where", r#"{"kind": "preference"}"#],
    },
    Question {
        text: "What was said about the parcel that got lost?",
        options: &["--where", r#"{"order": {"status": "lost"}}"#, "--order", "created-asc"],
    },
    Question {
        text: "And what was the cause of it all, and the cure?",
        options: &[
            "--filter",
            r#"{"tags": {"$any": ["root-cause", "fix"]}, "kind": {"$exists": true}, "$importance": {"$gte": 0.85}}"#,
            "--order",
            "created-asc",
        ],
    },
];

/// Is a question, and the options of the search that answers it.
struct Question {
    text: &'static str,
    options: &'static [&'static str],
}

/// Is a question answered.
struct Answer {
    memories: Vec<Memory>,
    matches: u64,
    spent: Duration,
    explanation: Explanation,
}

/// Is the database the demo runs on, and what is to be done with it afterwards.
struct Stage {
    url: ConnectionString,
    namespace: Namespace,
    store: MemoryStore,
    /// The folder of a temporary database; none for a database of the user's.
    folder: Option<TempDir>,
}

#[derive(Serialize)]
struct Shown {
    memories: u64,
    searches: Vec<ShownSearch>,
}

#[derive(Serialize)]
struct ShownSearch {
    command: String,
    matches: u64,
    milliseconds: f64,
    access: Access,
    candidates: u64,
}

/// Does the main job in one go: init, import, three searches, what each cost and how it was answered, and the commands to go on with.
///
/// Ctrl-C cancels no operation, for what was stored is to be removed; it ends the demo between two.
pub(crate) fn run(context: &mut Context, args: &DemoArgs) -> Outcome {
    let stage = Stage::open(context)?;
    let played = play(context, args, &stage);
    let left = stage.leave(args.keep);
    played?;
    left?;
    Ok(Exit::Ok)
}

fn play(context: &mut Context, args: &DemoArgs, stage: &Stage) -> std::result::Result<(), crate::failure::Failure> {
    let started = Instant::now();
    let version = stage.store.migrate()?.version.unwrap_or_default();
    let initialised = started.elapsed();
    let options = Options {
        namespace: NamespaceRule::Into(stage.namespace.clone()),
        on_conflict: OnConflict::Fail,
        batch_size: 1_000,
        rejects: None,
    };
    let report = import::import(&stage.store, &Source::Text(CONVERSATION), &options, &mut Progress::new(true))?;
    let mut answers = Vec::with_capacity(QUESTIONS.len());
    for question in &QUESTIONS {
        interrupt::check()?;
        answers.push(stage.ask(question)?);
    }

    if context.format != Format::Table {
        let searches = QUESTIONS.iter().zip(&answers).map(|(question, answer)| ShownSearch {
            command: question.command(&stage.options(args.keep)),
            matches: answer.matches,
            milliseconds: answer.spent.as_secs_f64() * 1e3,
            access: answer.explanation.access,
            candidates: answer.explanation.candidates,
        });
        context.out.document(Shown { memories: report.stored, searches: searches.collect() })?;
        return Ok(());
    }
    let program = program_with(&context.plugin_options());
    let out = &mut context.out;
    let paint = out.paint();
    let place = if stage.folder.is_some() { "a temporary SQLite database".to_owned() } else { stage.url.to_string() };
    let heading = format!("Polymnia remembers a support case: {}, {place}", plural(report.stored, "turn", "turns"));
    out.line(paint.bold(&heading))?;
    out.line("")?;
    let done =
        |what: &str, how: &str, spent| format!("  {what:<11}  {how} {}", paint.dim(&format!("({})", duration(spent))));
    out.line(done("initialised", &format!("schema version {version}"), initialised))?;
    let stored = plural(report.stored, "memory", "memories");
    out.line(done("imported", &format!("{stored} of 3 customers and 4 agents, over 4 weeks"), report.spent))?;
    for (question, answer) in QUESTIONS.iter().zip(&answers) {
        out.line("")?;
        out.line(paint.bold(question.text))?;
        out.line(paint.command(&format!("  {}", question.command(&[]))))?;
        print(out, answer)?;
    }
    out.line("")?;
    next_steps(out, &program, stage, args)?;
    Ok(())
}

impl Question {
    /// Returns the command line that asks it.
    fn command(&self, global: &[String]) -> String {
        let global = global.iter().map(String::as_str);
        format!("polymnia {}", shell_line(global.chain(["search"]).chain(self.options.iter().copied())))
    }

    /// Returns the query, read from the options as from a command line.
    fn query(&self) -> Result<Query> {
        let line = ["polymnia", "search"].iter().chain(self.options);
        match Cli::try_parse_from(line).map(|cli| cli.command) {
            Ok(Command::Search(args)) => args.query.query(SHOWN),
            _ => Err(Error::new(ErrorKind::Unexpected, "a search of the demo can't be read")),
        }
    }
}

impl Stage {
    /// Opens a temporary SQLite file, or the database that `--database-url` names: never one that only a setting names.
    fn open(context: &Context) -> Result<Self> {
        let setting = &context.settings.database_url;
        if matches!(setting.source, settings::Source::Option(_)) {
            let url = setting.value.clone();
            let store = context.open_url(&url, Missing::Create, OnInterrupt::Finish)?;
            let namespace = Namespace::new(format!("polymnia/demo/{}", store.next_id()))?;
            return Ok(Self { url, namespace, store, folder: None });
        }
        let failed = |error: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Unexpected, format!("a temporary folder can't be made: {error}"))
        };
        let folder = tempfile::Builder::new().prefix("polymnia-demo-").tempdir().map_err(|error| failed(&error))?;
        let url = url::of_file(DEMO_SCHEME, &folder.path().join("demo.db"))
            .ok_or_else(|| failed(&"its path is not UTF-8"))?;
        context.dialect_for(&url).map_err(|error| {
            error.with_hint("name a database to show it on with --database-url, or a plugin for SQLite with --plugin")
        })?;
        let store = context.open_url(&url, Missing::Create, OnInterrupt::Finish)?;
        let namespace = Namespace::new(settings::DEFAULT_NAMESPACE)?;
        Ok(Self { url, namespace, store, folder: Some(folder) })
    }

    fn ask(&self, question: &Question) -> Result<Answer> {
        let query = question.query()?;
        let started = Instant::now();
        let page = self.store.query(&self.namespace, &query)?;
        let spent = started.elapsed();
        let matches = self.store.count(&self.namespace, &query.selection)?;
        let explanation = self.store.explain(&self.namespace, &query)?;
        Ok(Answer { memories: page.memories, matches, spent, explanation })
    }

    /// Returns the options that lead here, if it is kept.
    fn options(&self, keep: bool) -> Vec<String> {
        if !keep {
            return Vec::new();
        }
        let mut options = vec!["--database-url".to_owned(), self.url.to_string()];
        if self.folder.is_none() {
            options.extend(["--namespace".to_owned(), self.namespace.to_string()]);
        }
        options
    }

    /// Removes what the demo stored, unless it is to be kept.
    fn leave(self, keep: bool) -> Result<()> {
        let Self { namespace, store, folder, .. } = self;
        match folder {
            Some(folder) if keep => {
                let _ = folder.keep();
            }
            // Closed before its folder goes.
            Some(folder) => {
                drop(store);
                drop(folder);
            }
            None if keep => {}
            None => _ = store.admin().delete_namespace(&namespace)?,
        }
        Ok(())
    }
}

fn print(out: &mut Out, answer: &Answer) -> std::io::Result<()> {
    let mut table = Table::new([Column::Text("created", 16), Column::Text("user", 12), Column::Rest("content")])
        .indented(2)
        .without_header()
        .with_lines(3);
    for memory in &answer.memories {
        let user = memory.user_id.as_ref().map(ToString::to_string).unwrap_or_default();
        table.row([time(memory.created_at), user, one_line(memory.content.as_str(), 500)]);
    }
    table.print(out)?;
    let shown = answer.memories.len() as u64;
    let shown = if shown < answer.matches { format!(", the first {} shown", grouped(shown)) } else { String::new() };
    let matches = plural(answer.matches, "match", "matches");
    let Explanation { access, candidates, .. } = answer.explanation;
    let candidates = plural(candidates, "memory", "memories");
    let spent = duration(answer.spent);
    let line = format!("  {matches}{shown}, in {spent}: looked at {candidates}, found {}", how(access));
    out.line(out.paint().dim(&line))
}

fn next_steps(out: &mut Out, program: &str, stage: &Stage, args: &DemoArgs) -> std::io::Result<()> {
    let paint = out.paint();
    let mut commands: Vec<(String, &str)> = Vec::new();
    let heading = if args.keep {
        let global = shell_line(stage.options(true).iter().map(String::as_str));
        commands.push((format!("{program} {global} search --where '{{\"kind\":\"promise\"}}'"), ""));
        commands.push((format!(r#"{program} {global} explain --filter '{{"session":{{"$gte":9}}}}'"#), ""));
        commands.push((format!("{program} {global} stats"), ""));
        "Go on with this database:"
    } else {
        commands.push((format!("{program} init"), "create polymnia.db here"));
        let add = r#"add 'prefers calls after 14:00' --user mara --metadata '{"kind":"preference"}'"#;
        commands.push((format!("{program} {add}"), ""));
        commands.push((format!(r#"{program} search --user mara --where '{{"kind":"preference"}}'"#), ""));
        commands.push((format!("{program} demo --keep"), "keep the demo's database"));
        "Go on with a database of your own:"
    };
    out.line(paint.bold(heading))?;
    for (command, what) in commands {
        let what = if what.is_empty() { String::new() } else { paint.dim(&format!("   # {what}")) };
        out.line(format!("  {}{what}", paint.command(&command)))?;
    }
    Ok(())
}

/// Returns how this program is started with options.
fn program_with(options: &[String]) -> String {
    let program = program();
    if options.is_empty() {
        program.to_owned()
    } else {
        format!("{program} {}", shell_line(options.iter().map(String::as_str)))
    }
}

/// Returns how this program was started: a fresh clone has no `polymnia` on its path.
fn program() -> &'static str {
    if std::env::var_os("CARGO_PKG_NAME").is_some() { "cargo run -q --" } else { "polymnia" }
}
