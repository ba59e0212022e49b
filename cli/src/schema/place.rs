//! Opening the database whose schema it is about.

use polymnia::schema::{self, RunOptions, Schema};
use polymnia::{ConnectionString, Error, ErrorKind, MemoryStore, OpenOptions, Result};

use super::{application, brought_by, observer, who};
use crate::args::PlaceArgs;
use crate::context::{Context, Missing, OnInterrupt};
use crate::dialects;
use crate::failure::{Exit, Failure};
use crate::interrupt;
use crate::settings::Source;

/// Is a database, opened, and its schema: our migrations and the application's.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its URL.
    pub(crate) url: ConnectionString,
    /// It.
    pub(crate) store: MemoryStore,
    /// Its schema.
    pub(crate) schema: Schema,
}

impl Place {
    /// Opens the database of the settings and reads the application's migrations.
    pub(crate) fn open(context: &Context, args: &PlaceArgs, missing: Missing) -> Result<Self> {
        let url = context.settings.schema_url(args.migrate_url.as_deref()).value;
        Self::open_url(context, args, url, missing)
    }

    fn open_url(context: &Context, args: &PlaceArgs, url: ConnectionString, missing: Missing) -> Result<Self> {
        let store = context.open_url(&url, missing, OnInterrupt::Cancel)?;
        let mut schema = store.schema();
        if let Some(folder) = context.settings.migrations(args.migrations.as_deref()) {
            let dialect = schema.sources().first().map(|source| source.dialect.clone()).unwrap_or_default();
            let source = application(&folder.value, &dialect).map_err(|error| match folder.source {
                Source::Option(_) => error,
                other => error.with_context("migrations from", other),
            })?;
            schema = schema.with_source(source)?;
        }
        Ok(Self { url, store, schema })
    }

    /// Opens it for a run, which tells what it does.
    pub(crate) fn open_to_run(
        context: &Context,
        args: &PlaceArgs,
        missing: Missing,
        options: RunOptions,
    ) -> Result<Self> {
        let mut place = Self::open(context, args, missing)?;
        place.schema = place.schema.with_options(RunOptions { by: who(), ..options }).with_observer(observer(context));
        Ok(place)
    }

    /// Opens it to see what a run would do. A file that isn't there is an empty database, and stays away.
    pub(crate) fn open_to_look(context: &Context, args: &PlaceArgs, options: RunOptions) -> Result<Self> {
        let url = context.settings.schema_url(args.migrate_url.as_deref()).value;
        // Where the dialect has no empty database to offer, opening says that there is none.
        let url = if is_there(context, &url)? { url } else { empty(context, &url)?.unwrap_or(url) };
        let mut place = Self::open_url(context, args, url, Missing::Refuse)?;
        place.schema = place.schema.with_options(RunOptions { by: who(), ..options }).with_observer(observer(context));
        Ok(place)
    }

    /// Returns whether opening for a run would make a file.
    pub(crate) fn is_absent(context: &Context, args: &PlaceArgs) -> Result<bool> {
        Ok(!is_there(context, &context.settings.schema_url(args.migrate_url.as_deref()).value)?)
    }

    /// Returns the name of its dialect.
    pub(crate) fn dialect(&self) -> &str {
        self.schema.sources().first().map_or("", |source| &source.dialect)
    }

    /// Returns what one calls the database: the name of its file, or what the server calls it.
    pub(crate) fn name(&self, context: &Context) -> Result<String> {
        let options = OpenOptions::new(self.url.clone());
        let files = context.dialect_for(&self.url)?.claims(&options)?;
        if let Some(name) = files.first().and_then(|file| file.file_name()) {
            return Ok(name.to_string_lossy().into_owned());
        }
        let details = self.store.admin().info()?.details;
        let name = details.into_iter().find_map(|(key, value)| (key == "database").then_some(value));
        Ok(name.unwrap_or_else(|| self.url.to_string()))
    }
}

/// Returns whether the database is there, as far as its files tell.
fn is_there(context: &Context, url: &ConnectionString) -> Result<bool> {
    let files = context.dialect_for(url)?.claims(&OpenOptions::new(url.clone()))?;
    Ok(files.first().is_none_or(|file| file.try_exists().unwrap_or(true)))
}

/// Returns the URL of an empty database of the same dialect, if there is such a thing.
fn empty(context: &Context, url: &ConnectionString) -> Result<Option<ConnectionString>> {
    Ok(dialects::empty_url(context.registry()?, Some(context.dialect_for(url)?.name())))
}

/// Returns our migrations and the application's for the dialect of the settings' URL, without opening the database.
pub(crate) fn sources_of_settings(context: &Context, args: &PlaceArgs) -> Result<Vec<schema::Source>> {
    let url = context.settings.schema_url(args.migrate_url.as_deref()).value;
    let dialect = context.dialect_for(&url)?;
    let mut sources = vec![brought_by(dialect)?];
    if let Some(folder) = context.settings.migrations(args.migrations.as_deref()) {
        sources.push(application(&folder.value, dialect.name())?);
    }
    Ok(sources)
}

/// Runs what Ctrl-C ends in an orderly way only, and says how to go on.
pub(crate) fn interruptible<T>(again: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    let _in_flight = interrupt::in_flight();
    run().map_err(|error| match (error.kind(), error.hint()) {
        (ErrorKind::Cancelled, None) => {
            error.with_hint(format!("what was committed stays; `{again}` goes on from there, or begins anew"))
        }
        _ => error,
    })
}

/// Returns the failure of a verb of the schema: whoever may not write meets a database that can't be written.
pub(crate) fn of_schema(failure: Failure) -> Failure {
    let denied = failure.error().map(Error::kind) == Some(ErrorKind::PermissionDenied);
    match failure.exit {
        Exit::Failed if denied => failure.with_exit(Exit::NoConnection),
        _ => failure,
    }
}
