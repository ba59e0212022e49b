//! Putting everything back as a backup has it, in one transaction.
//!
//! `pg_restore --clean` drops what the backup has before it makes it anew, and knows nothing of what came since: a table that
//! a migration made after the backup would stay, and that migration could never run again. So what the backup doesn't have is
//! dropped first. `psql` runs it all, because `pg_restore` takes no statements of ours into its transaction.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use diesel::sql_types::{Nullable, Text};
use polymnia::{Call, Error, ErrorKind, Result};

use super::program::{Programs, Running};
use crate::config::Config;
use crate::error::Fault;
use crate::quote;
use crate::session::Session;
use crate::sql::Statement;

/// How long it waits for others to let go of a table.
const LOCK_TIMEOUT: &str = "10s";

/// Is what there is in a database: what it takes to find it in a backup, and to drop it.
#[derive(Debug)]
pub(super) struct Live {
    objects: Vec<LiveObject>,
    extensions: Vec<String>,
}

#[derive(Debug)]
struct LiveObject {
    kind: String,
    schema: Option<String>,
    name: String,
    /// As a backup's table of contents has it.
    tag: String,
    arguments: Option<String>,
}

/// Restores a backup into the database, which has these objects.
pub(super) fn run(config: &Config, server: u32, call: &Call, from: &Path, live: &Live) -> Result<()> {
    let programs = Programs::find(server)?;
    let contents = contents(&programs, call, from)?;
    let list = List::write(&contents, live)?;
    let mut command = programs.connecting("psql", config)?;
    command.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut shell = Running::start(&mut command)?;
    let mut command = programs.command("pg_restore");
    command.args(["--clean", "--if-exists", "--single-transaction", "--file=-", "--use-list"]).arg(&list.path).arg(from);
    let mut source = Running::start(command.stdout(Stdio::piped()))?;
    let fed = feed(&mut shell, &mut source, call, &drops(&contents, live));
    let read = source.finish(call, Some(config));
    if let Err(error) = read {
        // It ended before the COMMIT that it writes last, and so does the shell, without one.
        drop(shell);
        return Err(if fed.is_err() && error.kind() == ErrorKind::Unavailable { broken(config, call, fed, error) } else { error });
    }
    // If the shell stopped listening, it says why.
    shell.finish(call, Some(config))?;
    fed
}

/// Returns the error of which the other is a consequence.
fn broken(_config: &Config, _call: &Call, fed: Result<()>, error: Error) -> Error {
    fed.err().unwrap_or(error)
}

/// Hands the statements to the shell: ours, then those of the backup, which begin and end a transaction.
fn feed(shell: &mut Running, source: &mut Running, call: &Call, drops: &[String]) -> Result<()> {
    let Some(mut input) = shell.input() else { return Ok(()) };
    let unwritable =
        |error| Error::new(ErrorKind::Unavailable, "psql stopped before the end of the backup").with_source(error);
    let mut start = format!("SET client_min_messages = error;\nBEGIN;\nSET lock_timeout = '{LOCK_TIMEOUT}';\n");
    for drop in drops {
        start.push_str(drop);
        start.push_str(";\n");
    }
    input.write_all(start.as_bytes()).map_err(unwritable)?;
    source.lines(call, |line| {
        // Ours is to hold.
        if line == b"SET lock_timeout = 0;\n" || line == b"SET client_min_messages = warning;\n" {
            return Ok(());
        }
        input.write_all(line).map_err(unwritable)
    })
}

/// Returns the statements that drop what the backup doesn't have.
fn drops(contents: &BTreeSet<String>, live: &Live) -> Vec<String> {
    let is_in_backup = |object: &LiveObject| {
        let schema = object.schema.as_deref().unwrap_or("-");
        let line = format!("{} {schema} {} ", object.kind, object.tag);
        contents.range(line.clone()..).next().is_some_and(|found| found.starts_with(&line))
    };
    live.objects
        .iter()
        .filter(|object| !is_in_backup(object))
        .filter_map(|object| {
            let kind = ["TABLE", "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", "TYPE", "DOMAIN", "FUNCTION", "PROCEDURE",
                "AGGREGATE", "SCHEMA"].into_iter().find(|kind| *kind == object.kind)?;
            Some(quote::drop_object(kind, object.schema.as_deref(), &object.name, object.arguments.as_deref()))
        })
        .collect()
}

/// Returns the lines of the backup's table of contents, from the kind of the object on: `TABLE polymnia memories owner`.
fn contents(programs: &Programs, call: &Call, from: &Path) -> Result<BTreeSet<String>> {
    let mut command = programs.command("pg_restore");
    command.arg("--list").arg(from).stdout(Stdio::piped());
    let mut running = Running::start(&mut command)?;
    let mut lines = BTreeSet::new();
    running.lines(call, |line| {
        let line = String::from_utf8_lossy(line);
        // `215; 1259 16386 TABLE polymnia memories owner`; comments begin with a semicolon.
        if let Some((number, rest)) = line.trim_end().split_once("; ")
            && !number.is_empty()
            && let Some(entry) = rest.splitn(3, ' ').nth(2)
        {
            lines.insert(format!("{entry} \0{number}; {rest}"));
        }
        Ok(())
    })?;
    running.finish(call, None)?;
    Ok(lines)
}

/// Is a file that lists what of the backup is restored. It ends with this value.
struct List {
    path: PathBuf,
}

impl List {
    /// Leaves out the schema that every database has, and extensions that are there: they are the server's to manage.
    fn write(contents: &BTreeSet<String>, live: &Live) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("polymnia-restore-{}", uuid::Uuid::now_v7().simple()));
        let mut text = String::new();
        let kept = |entry: &str| {
            let extension = |name: &String| {
                entry.starts_with(&format!("EXTENSION - {name} ")) || entry.starts_with(&format!("COMMENT - EXTENSION {name} "))
            };
            !entry.starts_with("SCHEMA - public ") && !entry.starts_with("COMMENT - SCHEMA public ")
                && !live.extensions.iter().any(extension)
        };
        let mut lines: Vec<(u64, &str)> = contents
            .iter()
            .filter_map(|line| line.split_once('\0'))
            .filter(|(entry, _)| kept(entry))
            .filter_map(|(_, line)| Some((line.split_once(';')?.0.parse().ok()?, line)))
            .collect();
        lines.sort_unstable();
        for (_, line) in lines {
            text.push_str(line);
            text.push('\n');
        }
        let mut options = std::fs::File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let list = Self { path };
        options.open(&list.path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "a temporary file can't be written").with_source(error)
        })?;
        Ok(list)
    }
}

impl Drop for List {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Lists what there is, but for what an extension brought.
pub(super) fn live(session: &mut Session) -> Result<Live, Fault> {
    let mut statement = Statement::<(Text, Nullable<Text>, Text, Text, Nullable<Text>)>::new(
        "SELECT CASE one.relkind WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' \
         WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, schema.nspname::text, one.relname::text, one.relname::text, NULL \
         FROM pg_catalog.pg_class AS one JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.relnamespace \
         WHERE one.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND schema.nspname !~ '^pg_' \
         AND schema.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend \
         WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = one.oid AND deptype IN ('e', 'i', 'a')) \
         UNION ALL \
         SELECT CASE one.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, schema.nspname::text, one.typname::text, \
         one.typname::text, NULL FROM pg_catalog.pg_type AS one JOIN pg_catalog.pg_namespace AS schema \
         ON schema.oid = one.typnamespace WHERE (one.typtype IN ('e', 'd', 'r') OR one.typtype = 'c' AND EXISTS ( \
         SELECT FROM pg_catalog.pg_class WHERE oid = one.typrelid AND relkind = 'c')) AND schema.nspname !~ '^pg_' \
         AND schema.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend \
         WHERE classid = 'pg_catalog.pg_type'::regclass AND objid = one.oid AND deptype = 'e') \
         UNION ALL \
         SELECT CASE one.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END, schema.nspname::text, \
         one.proname::text, format('%I(%s)', one.proname, oidvectortypes(one.proargtypes)), oidvectortypes(one.proargtypes) \
         FROM pg_catalog.pg_proc AS one JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.pronamespace \
         WHERE schema.nspname !~ '^pg_' AND schema.nspname <> 'information_schema' AND NOT EXISTS ( \
         SELECT FROM pg_catalog.pg_depend WHERE classid = 'pg_catalog.pg_proc'::regclass AND objid = one.oid \
         AND deptype IN ('e', 'i')) \
         UNION ALL \
         SELECT 'SCHEMA', NULL, one.nspname::text, one.nspname::text, NULL FROM pg_catalog.pg_namespace AS one \
         WHERE one.nspname !~ '^pg_' AND one.nspname NOT IN ('information_schema', 'public') AND NOT EXISTS ( \
         SELECT FROM pg_catalog.pg_depend WHERE classid = 'pg_catalog.pg_namespace'::regclass AND objid = one.oid \
         AND deptype = 'e')",
    );
    statement.plan_each_time();
    let rows: Vec<(String, Option<String>, String, String, Option<String>)> = session.load(statement)?;
    let mut extensions = Statement::<Text>::new("SELECT extname::text FROM pg_catalog.pg_extension");
    extensions.plan_each_time();
    let objects =
        rows.into_iter().map(|(kind, schema, name, tag, arguments)| LiveObject { kind, schema, name, tag, arguments });
    Ok(Live { objects: objects.collect(), extensions: session.load(extensions)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_backup_lacks_is_dropped() {
        let object = |kind: &str, schema: Option<&str>, name: &str, arguments: Option<&str>| LiveObject {
            kind: kind.to_owned(),
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
            tag: arguments.map_or_else(|| name.to_owned(), |arguments| format!("{name}({arguments})")),
            arguments: arguments.map(str::to_owned),
        };
        let contents: BTreeSet<String> = ["TABLE polymnia memories ann \0", "SCHEMA - polymnia ann \0"].map(str::to_owned).into();
        let objects = vec![
            object("TABLE", Some("polymnia"), "memories", None),
            object("TABLE", Some("polymnia"), "memo\"ries", None),
            object("FUNCTION", Some("public"), "f", Some("integer, text")),
            object("SCHEMA", None, "polymnia", None),
            object("SCHEMA", None, "shop", None),
        ];
        assert_eq!(
            drops(&contents, &Live { objects, extensions: Vec::new() }),
            [
                "DROP TABLE IF EXISTS \"polymnia\".\"memo\"\"ries\" CASCADE",
                "DROP FUNCTION IF EXISTS \"public\".\"f\"(integer, text) CASCADE",
                "DROP SCHEMA IF EXISTS \"shop\" CASCADE",
            ]
        );
    }
}
