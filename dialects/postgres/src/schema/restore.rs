//! Putting everything back as a backup has it, in one transaction.
//!
//! `pg_restore --clean` drops what the backup has before it makes it anew, and knows nothing of what came since: a table that
//! a migration made after the backup would stay, and a foreign key would keep it from dropping anything. So everything is dropped
//! first. `psql` runs it all, because `pg_restore` takes no statements of ours into its transaction.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use diesel::sql_types::{Nullable, Text};
use polymnia::schema::SchemaFault;
use polymnia::{Call, Error, ErrorKind, Result};

use super::program::{Programs, Running};
use crate::config::Config;
use crate::error::Fault;
use crate::quote;
use crate::session::Session;
use crate::sql::Statement;

/// How long it pauses before it tries again to get at what others hold.
const PAUSE: Duration = Duration::from_millis(500);

const SCHEMA: &str = "SCHEMA";

/// Is what there is in a database: what it takes to find it in a backup, and to drop it.
#[derive(Debug)]
pub(super) struct Live {
    objects: Vec<LiveObject>,
    extensions: Vec<String>,
    /// Schemas that hold an extension, which would go with them.
    extension_schemas: Vec<String>,
}

#[derive(Debug)]
struct LiveObject {
    kind: String,
    schema: Option<String>,
    name: String,
    arguments: Option<String>,
}

/// Tries again what others are in the way of, and tells each try how much is left of `wait`. What was tried is rolled back.
pub(super) fn patiently(call: &Call, wait: Duration, mut restore: impl FnMut(Duration) -> Result<()>) -> Result<()> {
    let began = Instant::now();
    loop {
        let tried = restore(wait.saturating_sub(began.elapsed()));
        let is_locked = tried.as_ref().is_err_and(|error| SchemaFault::of(error) == Some(SchemaFault::Locked));
        if !is_locked || began.elapsed() + PAUSE >= wait {
            return tried;
        }
        call.check()?;
        std::thread::sleep(PAUSE);
    }
}

/// Restores a backup into the database, which has these objects. Each statement waits for others for as long as `timeout`.
pub(super) fn run(
    config: &Config,
    server: u32,
    call: &Call,
    timeout: Duration,
    from: &Path,
    live: &Live,
) -> Result<()> {
    let programs = Programs::find(server)?;
    let contents = contents(&programs, call, from)?;
    let list = List::write(&contents, live)?;
    let mut command = programs.connecting("psql", config)?;
    command
        .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let mut shell = Running::start(&mut command)?;
    let mut command = programs.command("pg_restore");
    command
        .args(["--clean", "--if-exists", "--single-transaction", "--file=-", "--use-list"])
        .arg(&list.path)
        .arg(from);
    let mut source = Running::start(command.stdout(Stdio::piped()))?;
    let fed = feed(&mut shell, &mut source, call, timeout, &drops(&contents, live));
    if fed.is_err() {
        // The shell stopped listening, and says why. Without the COMMIT, which comes last, nothing is done.
        drop(source);
        shell.finish(call, Some(config))?;
        return fed;
    }
    // What ends before its time has written no COMMIT either.
    source.finish(call, Some(config))?;
    shell.finish(call, Some(config))
}

/// Hands the statements to the shell: ours, then those of the backup, which begin and end a transaction.
fn feed(shell: &mut Running, source: &mut Running, call: &Call, timeout: Duration, drops: &[String]) -> Result<()> {
    let Some(mut input) = shell.input() else { return Ok(()) };
    let unwritable =
        |error| Error::new(ErrorKind::Unavailable, "psql stopped before the end of the backup").with_source(error);
    // None at all would be for ever.
    let millis = timeout.as_millis().clamp(1, 2_147_483_647);
    let mut start = format!(
        "SET client_min_messages = error;\nSET statement_timeout = 0;\nBEGIN;\nSET lock_timeout = '{millis}ms';\n"
    );
    for drop in drops {
        start.push_str(drop);
        start.push_str(";\n");
    }
    input.write_all(start.as_bytes()).map_err(unwritable)?;
    let mut head = Head::default();
    source.lines(call, |line| if head.leaves_out(line) { Ok(()) } else { input.write_all(line).map_err(unwritable) })
}

/// Follows the settings that a backup begins with, of which some of ours are to hold. What comes after them is the backup's,
/// word for word: rows and functions may hold the same lines.
#[derive(Debug, Default)]
struct Head {
    over: bool,
}

impl Head {
    fn leaves_out(&mut self, line: &[u8]) -> bool {
        let belongs = [&b"--"[..], b"SET ", b"SELECT pg_catalog.set_config(", b"BEGIN;", b"\\restrict ", b"\n"];
        self.over |= !belongs.iter().any(|start| line.starts_with(start));
        !self.over && (line == b"SET lock_timeout = 0;\n" || line == b"SET client_min_messages = warning;\n")
    }
}

/// Returns the statements that drop everything there is, but for schemas that stay: what came after the backup may depend on what
/// is in it (a foreign key, a default), and `pg_restore` drops nothing that something else depends on.
fn drops(contents: &[Entry], live: &Live) -> Vec<String> {
    let sorted: BTreeSet<&str> = contents.iter().map(|entry| entry.object.as_str()).collect();
    let is_in_backup = |object: &LiveObject| {
        let schema = object.schema.as_deref().unwrap_or("-");
        let start = format!("{} {schema} {} ", object.kind, object.name);
        sorted.range(start.as_str()..).next().is_some_and(|found| found.starts_with(&start))
    };
    live.objects
        .iter()
        .filter(|object| {
            object.kind != SCHEMA || (!is_in_backup(object) && !live.extension_schemas.contains(&object.name))
        })
        .filter_map(|object| {
            let kind = [
                "TABLE",
                "FOREIGN TABLE",
                "VIEW",
                "MATERIALIZED VIEW",
                "SEQUENCE",
                "TYPE",
                "DOMAIN",
                "FUNCTION",
                "PROCEDURE",
                "AGGREGATE",
                SCHEMA,
            ]
            .into_iter()
            .find(|kind| *kind == object.kind)?;
            Some(quote::drop_object(kind, object.schema.as_deref(), &object.name, object.arguments.as_deref()))
        })
        .collect()
}

/// Is one line of a backup's table of contents.
#[derive(Debug)]
struct Entry {
    /// As `pg_restore` writes and reads it: `215; 1259 16386 TABLE polymnia memories owner`.
    line: String,
    /// From the kind of the object on.
    object: String,
}

/// Returns the table of contents of a backup, in the order in which it is restored.
fn contents(programs: &Programs, call: &Call, from: &Path) -> Result<Vec<Entry>> {
    let mut command = programs.command("pg_restore");
    command.arg("--list").arg(from).stdout(Stdio::piped());
    let mut running = Running::start(&mut command)?;
    let mut entries = Vec::new();
    running.lines(call, |line| {
        entries.extend(Entry::read(String::from_utf8_lossy(line).trim_end()));
        Ok(())
    })?;
    running.finish(call, None)?;
    Ok(entries)
}

impl Entry {
    /// Reads a line; none if it is a comment.
    fn read(line: &str) -> Option<Self> {
        let (number, rest) = line.split_once("; ")?;
        number.parse::<u64>().ok()?;
        let object = rest.splitn(3, ' ').nth(2)?;
        Some(Self { line: line.to_owned(), object: format!("{object} ") })
    }

    /// Returns whether it is to be restored. What every database has, and extensions that are there, are the server's to manage.
    fn is_kept(&self, live: &Live) -> bool {
        let is = |start: &str| self.object.starts_with(start);
        let of_extension =
            |name: &String| is(&format!("EXTENSION - {name} ")) || is(&format!("COMMENT - EXTENSION {name} "));
        let of_schema = |name: &String| is(&format!("SCHEMA - {name} "));
        !live.extension_schemas.iter().any(of_schema)
            && !is("SCHEMA - public ")
            && !is("COMMENT - SCHEMA public ")
            && !live.extensions.iter().any(of_extension)
    }
}

/// Is a file that lists what of the backup is restored. It ends with this value.
struct List {
    path: PathBuf,
}

impl List {
    fn write(contents: &[Entry], live: &Live) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("polymnia-restore-{}", uuid::Uuid::now_v7().simple()));
        let text: String =
            contents.iter().filter(|entry| entry.is_kept(live)).flat_map(|entry| [entry.line.as_str(), "\n"]).collect();
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

/// Is an object as the catalog describes it, in the order of the fields of [`LiveObject`].
type Row = (String, Option<String>, String, Option<String>);

/// Lists what there is, but for what an extension brought.
pub(super) fn live(session: &mut Session) -> Result<Live, Fault> {
    let mut statement = Statement::<(Text, Nullable<Text>, Text, Nullable<Text>)>::new(
        "SELECT CASE one.relkind WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' \
         WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, schema.nspname::text, one.relname::text, NULL \
         FROM pg_catalog.pg_class AS one JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.relnamespace \
         WHERE one.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND schema.nspname !~ '^pg_' \
         AND schema.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend \
         WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = one.oid AND deptype IN ('e', 'i', 'a')) \
         UNION ALL \
         SELECT CASE one.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, schema.nspname::text, one.typname::text, \
         NULL FROM pg_catalog.pg_type AS one JOIN pg_catalog.pg_namespace AS schema \
         ON schema.oid = one.typnamespace WHERE (one.typtype IN ('e', 'd', 'r') OR one.typtype = 'c' AND EXISTS ( \
         SELECT FROM pg_catalog.pg_class WHERE oid = one.typrelid AND relkind = 'c')) AND schema.nspname !~ '^pg_' \
         AND schema.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend \
         WHERE classid = 'pg_catalog.pg_type'::regclass AND objid = one.oid AND deptype = 'e') \
         UNION ALL \
         SELECT CASE one.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END, schema.nspname::text, \
         one.proname::text, oidvectortypes(one.proargtypes) \
         FROM pg_catalog.pg_proc AS one JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.pronamespace \
         WHERE schema.nspname !~ '^pg_' AND schema.nspname <> 'information_schema' AND NOT EXISTS ( \
         SELECT FROM pg_catalog.pg_depend WHERE classid = 'pg_catalog.pg_proc'::regclass AND objid = one.oid \
         AND deptype IN ('e', 'i')) \
         UNION ALL \
         SELECT 'SCHEMA', NULL, one.nspname::text, NULL FROM pg_catalog.pg_namespace AS one \
         WHERE one.nspname !~ '^pg_' AND one.nspname NOT IN ('information_schema', 'public') AND NOT EXISTS ( \
         SELECT FROM pg_catalog.pg_depend WHERE classid = 'pg_catalog.pg_namespace'::regclass AND objid = one.oid \
         AND deptype = 'e')",
    );
    statement.plan_each_time();
    let rows: Vec<Row> = session.load(statement)?;
    let mut extensions = Statement::<Text>::new("SELECT extname::text FROM pg_catalog.pg_extension");
    extensions.plan_each_time();
    let objects = rows.into_iter().map(|(kind, schema, name, arguments)| LiveObject { kind, schema, name, arguments });
    let mut schemas = Statement::<Text>::new(
        "SELECT DISTINCT schema.nspname::text FROM pg_catalog.pg_extension AS one \
         JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.extnamespace",
    );
    schemas.plan_each_time();
    Ok(Live {
        objects: objects.collect(),
        extensions: session.load(extensions)?,
        extension_schemas: session.load(schemas)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_head_of_a_backup_is_changed() {
        let mut head = Head::default();
        let text = "--\n-- a dump\n\n\\restrict x\n\nSET statement_timeout = 0;\nSET lock_timeout = 0;\nBEGIN;\n\n\
                    CREATE FUNCTION f() AS $$\nSET lock_timeout = 0;\n$$;\n\nCOPY t (a) FROM stdin;\n\
                    SET lock_timeout = 0;\nSET client_min_messages = warning;\n\\.\n";
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        lines.remove(6);
        assert_eq!(text.lines().nth(6), Some("SET lock_timeout = 0;"));
        let kept: String = text.split_inclusive('\n').filter(|line| !head.leaves_out(line.as_bytes())).collect();
        assert_eq!(kept, lines.concat());
    }

    #[test]
    fn everything_but_what_stays_is_dropped() {
        let object = |kind: &str, schema: Option<&str>, name: &str, arguments: Option<&str>| LiveObject {
            kind: kind.to_owned(),
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
            arguments: arguments.map(str::to_owned),
        };
        let contents: Vec<Entry> =
            ["; a comment", "7; 1259 1 TABLE polymnia memories ann", "8; 2615 2 SCHEMA - polymnia ann"]
                .into_iter()
                .filter_map(Entry::read)
                .collect();
        let objects = vec![
            object("TABLE", Some("polymnia"), "memories", None),
            object("TABLE", Some("polymnia"), "memo\"ries", None),
            object("FUNCTION", Some("public"), "f", Some("integer, text")),
            object("SCHEMA", None, "polymnia", None),
            object("SCHEMA", None, "shop", None),
            object("SCHEMA", None, "held", None),
        ];
        assert_eq!(
            drops(&contents, &Live { objects, extensions: Vec::new(), extension_schemas: vec!["held".to_owned()] }),
            [
                "DROP TABLE IF EXISTS \"polymnia\".\"memories\" CASCADE",
                "DROP TABLE IF EXISTS \"polymnia\".\"memo\"\"ries\" CASCADE",
                "DROP FUNCTION IF EXISTS \"public\".\"f\"(integer, text) CASCADE",
                "DROP SCHEMA IF EXISTS \"shop\" CASCADE",
            ]
        );
    }
}
