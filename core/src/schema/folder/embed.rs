//! Migrations in the binary: what a build script writes, and what becomes of it.

use std::fs;
use std::path::Path;

use crate::schema::folder::{parse, read_all, split_name};
use crate::schema::{Script, Source};
use crate::{Error, ErrorKind, Result};

/// Is the files of one migration, as [`embed`] writes them into a program.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Where they stand, as errors name it: `migrations/sqlite/20261121000100_memories`.
    pub folder: &'static str,
    /// `up.sql`
    pub up: &'static str,
    /// `down.sql`
    pub down: &'static str,
    /// `metadata.toml`
    pub metadata: &'static str,
    /// `schema.json`, if there is one.
    pub delta: Option<&'static str>,
}

impl Source {
    /// Returns the source that [`embed`] wrote.
    ///
    /// # Panics
    ///
    /// If the migrations are not as [`embed`] writes them: what they are was checked when the program was built.
    pub fn embedded(dialect: &str, migrations: &[Embedded]) -> Self {
        let scripts: Vec<Script> = migrations.iter().map(script).collect();
        let prefix = scripts.first().map_or("", |script| script.version.prefix()).to_owned();
        Self { prefix, dialect: dialect.to_owned(), scripts }
    }
}

fn script(embedded: &Embedded) -> Script {
    let Embedded { folder, up, down, metadata, delta } = *embedded;
    let name = folder.rsplit('/').next().expect("rsplit gives one part at least");
    let (version, name) = split_name(name).expect("the build checked the folder's name");
    parse(version, name, up.to_owned(), down.to_owned(), metadata, delta, folder.to_owned())
        .expect("the build checked the files")
}

/// Checks the migrations of some dialects under a root, and writes Rust code that embeds them: a function
/// `<dialect>_source() -> polymnia::schema::Source` for each. For build scripts; it tells cargo what to watch.
///
/// # Errors
///
/// The first fault of [`folder_faults`](crate::schema::folder_faults); cargo is told every one. [`ErrorKind::Unexpected`] if the
/// file can't be written.
///
/// # Examples
///
/// `build.rs`, with `polymnia` as a build dependency:
///
/// ```no_run
/// use std::{env, path::Path};
///
/// fn main() -> Result<(), polymnia::Error> {
///     let out = Path::new(&env::var_os("OUT_DIR").expect("cargo sets it")).join("migrations.rs");
///     polymnia::schema::embed(Path::new("migrations"), &["sqlite", "postgres"], &out)
/// }
/// ```
///
/// The program, which adds its migrations to ours:
///
/// ```ignore
/// include!(concat!(env!("OUT_DIR"), "/migrations.rs"));
///
/// let report = store.schema().with_source(sqlite_source())?.upgrade(&Target::Head)?;
/// ```
#[expect(clippy::print_stdout, reason = "it is how a build script speaks to cargo")]
pub fn embed(root: &Path, dialects: &[&str], out: &Path) -> Result<()> {
    let failed = |what: &Path, error: std::io::Error| {
        Error::new(ErrorKind::Unexpected, format!("{} can't be used: {error}", what.display())).with_source(error)
    };
    for dialect in dialects {
        println!("cargo::rerun-if-changed={}", root.join(dialect).display());
    }
    let root = fs::canonicalize(root).map_err(|error| failed(root, error))?;
    let label = root.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let (sources, faults) = read_all(&root, &label, dialects);
    for fault in &faults {
        let hint = fault.hint().map_or_else(String::new, |hint| format!("; {hint}"));
        println!("cargo::error={fault}{hint}");
    }
    if let Some(first) = faults.into_iter().next() {
        return Err(first);
    }
    let code: String = sources.iter().map(|source| code_of(&root, source)).collect();
    fs::write(out, code).map_err(|error| failed(out, error))
}

fn code_of(root: &Path, source: &Source) -> String {
    let dialect = &source.dialect;
    let function: String =
        dialect.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let migrations: Vec<String> = source
        .scripts
        .iter()
        .map(|script| {
            let folder = root.join(dialect).join(format!("{}_{}", script.version, script.name));
            let text = |file: &str| format!("include_str!({:?})", folder.join(file).to_string_lossy());
            let delta = if script.delta.is_some() { format!("Some({})", text("schema.json")) } else { "None".to_owned() };
            format!(
                "        ::polymnia::schema::Embedded {{\n            folder: {:?},\n            up: {},\n            down: {},\n            \
                 metadata: {},\n            delta: {delta},\n        }},\n",
                script.folder,
                text("up.sql"),
                text("down.sql"),
                text("metadata.toml")
            )
        })
        .collect();
    format!(
        "/// Returns the migrations for {dialect}.\npub fn {function}_source() -> ::polymnia::schema::Source {{\n    \
         ::polymnia::schema::Source::embedded({dialect:?}, &[\n{}    ])\n}}\n",
        migrations.concat()
    )
}
