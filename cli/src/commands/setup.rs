//! `setup`

use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use polymnia::schema::{RunOptions, Target};
use polymnia::spi::Dialect;
use polymnia::{
    ConnectionString, Error, ErrorKind, Expect, MemoryStore, MigrateReport, Namespace, NewMemory, OpenOptions, Result,
};
use serde::Serialize;

use crate::args::{Format, SetupArgs};
use crate::config::{ConfigFile, Database, Prepared};
use crate::context::{Context, Missing, OnInterrupt};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{block, tell};
use crate::plugins;
use crate::schema::who;
use crate::settings::Source;
use crate::url;

#[derive(Serialize)]
struct Done {
    database_url: String,
    config_file: PathBuf,
    config_written: bool,
    #[serde(flatten)]
    report: MigrateReport,
}

/// Asks for the URL, checks the connection, initialises, verifies, and writes the configuration.
pub(crate) fn run(context: &mut Context, args: &SetupArgs) -> Outcome {
    let asking = !args.yes && std::io::stdin().is_terminal();
    if !args.yes && !asking {
        return Err(Failure::refused(
            "setup asks on a terminal, and standard input is none",
            "give what it would ask: polymnia setup --database-url URL --yes",
        ));
    }
    let Some(path) = context.settings.config_path.as_ref().map(|path| path.value.clone()) else {
        let error = Error::new(ErrorKind::Config, "there is no home folder to keep the configuration in");
        return Err(error.with_hint("name a file with --config PATH").into());
    };
    let database = if asking { ask_url(context)? } else { context.settings.database_url.value.clone() };
    let kept = plugins::to_keep(&context.settings)?;
    let config = ConfigFile {
        namespace: match context.settings.namespace.source {
            Source::Option(_) => Some(context.settings.namespace.value.to_string()),
            _ => context.settings.config_file.as_ref().and_then(|file| file.namespace.clone()),
        },
        migrations: context.settings.config_file.as_ref().and_then(|file| file.migrations.clone()),
        plugins: kept.plugins,
        plugin_path: kept.plugin_path,
        only_plugins: kept.only_plugins,
        database: Database {
            url: Some(absolute(context, &database)?.expose().to_owned()),
            // It belongs to the URL that was there: another database is migrated by its own.
            migrate_url: kept_migrate_url(context, &database)?,
        },
    };
    // Before anything is created: a refusal changes nothing.
    may_write(context, args, asking, &path, &config)?;
    let config_written = context.settings.config_file.as_ref() != Some(&config);
    let prepared = config_written.then(|| config.prepare(&path)).transpose()?;

    let store = context.open_url(&database, Missing::Create, OnInterrupt::Finish)?;
    progress(context, format!("connected to {database}"));
    let report = migrate(&store)?;
    let version = report.version.clone().unwrap_or_default();
    progress(context, format!("schema version {version}{}", if report.created { ", created" } else { "" }));
    verify(&store)?;
    progress(context, "wrote, read and removed a memory".to_owned());
    prepared.map_or(Ok(()), Prepared::persist)?;

    match context.format {
        Format::Json | Format::Ndjson => {
            let done = Done { database_url: database.to_string(), config_file: path, config_written, report };
            context.out.document(done)?;
        }
        Format::Table => {
            let what = if config_written { "wrote" } else { "left as it is:" };
            context.out.line(format!("{what} {}", path.display()))?;
            context.out.line("ready: try `polymnia add 'prefers calls after 14:00' --user mara`")?;
        }
    }
    Ok(Exit::Ok)
}

fn progress(context: &Context, text: String) {
    context.note(text);
}

fn ask_url(context: &Context) -> Result<ConnectionString> {
    let setting = &context.settings.database_url;
    if matches!(setting.source, Source::Option(_)) {
        return Ok(setting.value.clone());
    }
    let answer = ask(&format!("database URL [{}]: ", setting.value))?;
    Ok(if answer.is_empty() { setting.value.clone() } else { answer.into() })
}

/// Asks on standard error, for standard output may be a file.
fn ask(question: &str) -> Result<String> {
    let unreadable = |error| Error::new(ErrorKind::Unexpected, format!("the answer can't be read: {error}"));
    tell(&block(question));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer).map_err(unreadable)?;
    if read == 0 {
        tell("\n");
        return Err(Error::new(ErrorKind::Cancelled, "no answer: nothing was changed"));
    }
    Ok(answer.trim().to_owned())
}

/// Configuration that names another database, or can't be read, is not written over silently.
fn may_write(
    context: &Context,
    args: &SetupArgs,
    asking: bool,
    path: &Path,
    config: &ConfigFile,
) -> std::result::Result<(), Failure> {
    let unchanged = match &context.settings.config_file {
        None => return Ok(()),
        Some(file) => file.database.url.is_none() || file == config,
    };
    if unchanged || args.overwrite {
        return Ok(());
    }
    let known = context.settings.config_file.as_ref().and_then(|file| file.database.url.clone());
    let known = ConnectionString::from(known.unwrap_or_default());
    if asking {
        let answer = ask(&format!("{} names {known}. Write over it? [y/N]: ", path.display()))?;
        if matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
    }
    Err(Failure::refused(
        format!("configuration file {} names {known}: nothing was changed", path.display()),
        "add --overwrite to write over it, or name another file with --config",
    ))
}

/// A relative path means something else in another folder: the configuration gets the absolute one.
fn absolute(context: &Context, database: &ConnectionString) -> Result<ConnectionString> {
    let dialect = context.dialect_for(database)?;
    let file = |url: &ConnectionString| -> Result<Option<PathBuf>> {
        let files = dialect.claims(&OpenOptions::new(url.clone()))?;
        Ok(files.first().and_then(|file| std::path::absolute(file).ok()))
    };
    let claimed = file(database)?;
    let Some(named) =
        claimed.as_deref().zip(scheme(dialect, database)).and_then(|(path, scheme)| url::of_file(scheme, path))
    else {
        return Ok(database.clone());
    };
    let named = match database.expose().split_once('?') {
        Some((_, parameters)) => format!("{}?{parameters}", named.expose()).into(),
        None => named,
    };
    // A dialect of a plugin may write its paths in a way of its own.
    Ok(if file(&named).is_ok_and(|file| file == claimed) { named } else { database.clone() })
}

/// Returns the scheme of a URL as its dialect writes it.
fn scheme<'a>(dialect: &'a dyn Dialect, url: &ConnectionString) -> Option<&'a str> {
    let mut known = dialect.url_schemes().iter().copied();
    match url.scheme() {
        Some(scheme) => known.find(|known| known.eq_ignore_ascii_case(scheme)),
        None => known.next(),
    }
}

/// Returns the URL to migrate by that the configuration has, if the database stays the same.
fn kept_migrate_url(context: &Context, database: &ConnectionString) -> Result<Option<String>> {
    let Some(file) = &context.settings.config_file else { return Ok(None) };
    let same = file.database.url.as_deref() == Some(absolute(context, database)?.expose());
    Ok(file.database.migrate_url.clone().filter(|_| same))
}

fn migrate(store: &MemoryStore) -> Result<MigrateReport> {
    let options = RunOptions { by: who(), ..RunOptions::default() };
    let report = store.schema().with_options(options).upgrade(&Target::Head)?;
    Ok(MigrateReport {
        created: report.created,
        applied: report.steps.iter().map(|step| step.version.to_string()).collect(),
        version: report.to.map(|version| version.to_string()),
    })
}

/// Writes, reads and removes a memory in a namespace of its own.
fn verify(store: &MemoryStore) -> Result<()> {
    const CONTENT: &str = "written by polymnia setup";
    let id = store.next_id();
    let namespace = Namespace::new(format!("polymnia/setup/{id}"))?;
    store.put_at(&namespace, id, NewMemory::new(CONTENT)?, Expect::Absent)?;
    let read = store.get(&namespace, id);
    let removed = store.delete(&namespace, id)?;
    let same = read?.is_some_and(|memory| memory.content.as_str() == CONTENT);
    if same && removed {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unexpected, "what was written to the database can't be read back"))
}
