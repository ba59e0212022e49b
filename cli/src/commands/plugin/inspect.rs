//! `plugin inspect`

use std::path::Path;

use polymnia::spi::Dialect as _;
use polymnia_plugin::abi::{ABI_MAJOR, ABI_MINOR, FEATURE_CONTAINMENT, FEATURE_FILTERS, FEATURE_RELATED_THREADS};
use polymnia_plugin::host::{Inspection, PluginDialect};
use polymnia_plugin::operation;
use serde::Serialize;

use crate::args::Format;
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::output::{block, bytes};
use crate::plugins;

/// Is what is known of a library.
#[derive(Debug, Serialize)]
struct Inspected {
    path: String,
    bytes: u64,
    sha256: String,
    /// Who could change it, other than its user and root; empty if nobody can.
    trust: Vec<String>,
    #[serde(flatten)]
    plugin: Option<Told>,
    /// Why it isn't loaded.
    reason: Option<String>,
}

/// Is what a plugin tells of itself.
#[derive(Debug, Serialize)]
struct Told {
    name: String,
    version: String,
    abi: String,
    schemes: Vec<String>,
    features: Vec<&'static str>,
    operations: Vec<&'static str>,
    missing: Vec<&'static str>,
    /// The newest schema version it brings.
    schema_version: Option<String>,
}

/// Tells what a shared library is. Its code runs only if it may be loaded.
pub(super) fn run(context: &mut Context, path: &Path) -> Outcome {
    let Inspection { path, bytes, sha256, trust, plugin } = plugins::inspect(context, path)?;
    let told = plugin.as_ref().ok().map(Told::of);
    let reason = plugin.as_ref().err().map(ToString::to_string);
    let inspected = Inspected { path: path.display().to_string(), bytes, sha256, trust, plugin: told, reason };
    match context.format {
        Format::Table => print(context, &inspected)?,
        Format::Json | Format::Ndjson => context.out.document(&inspected)?,
    }
    context.out.flush()?;
    plugin?;
    Ok(Exit::Ok)
}

impl Told {
    fn of(plugin: &PluginDialect) -> Self {
        let description = plugin.description();
        let (major, minor) = plugin.abi_version();
        let named = |does: bool| {
            let wanted = operation::ALL.iter().filter(|(code, _)| description.operations.contains(code) == does);
            wanted.map(|(_, name)| *name).collect()
        };
        let features = FEATURES.iter().filter(|(bit, _)| description.features & bit != 0);
        let source = plugin.source().ok();
        Self {
            name: plugin.name().to_owned(),
            version: description.version.clone(),
            abi: format!("{major}.{minor}"),
            schemes: plugin.url_schemes().iter().map(|scheme| (*scheme).to_owned()).collect(),
            features: features.map(|(_, name)| *name).collect(),
            operations: named(true),
            missing: named(false),
            schema_version: source.and_then(|source| Some(source.scripts.last()?.version.to_string())),
        }
    }
}

/// The features of requests, and what messages call them.
const FEATURES: [(u64, &str); 3] = [
    (FEATURE_CONTAINMENT, "containment"),
    (FEATURE_FILTERS, "filters"),
    (FEATURE_RELATED_THREADS, "related threads"),
];

fn print(context: &mut Context, inspected: &Inspected) -> std::io::Result<()> {
    let Inspected { path, bytes: size, sha256, trust, plugin, reason: _ } = inspected;
    let trust = if trust.is_empty() { "nobody else can change it".to_owned() } else { block(&trust.join("\n")) };
    let mut fields =
        vec![("library", block(path)), ("size", bytes(*size)), ("sha256", sha256.clone()), ("trust", trust)];
    if let Some(Told { name, version, abi, schemes, features, operations, missing, schema_version }) = plugin {
        let listed = |names: &[&str]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let all = operations.len() + missing.len();
        fields.extend([
            ("dialect", block(name)),
            ("version", block(version)),
            ("ABI", format!("{abi} (this program: {ABI_MAJOR}.{ABI_MINOR})")),
            ("URL schemes", block(&schemes.join(", "))),
            ("schema version", schema_version.clone().unwrap_or_else(|| "not told without a database".to_owned())),
            ("features", listed(features)),
            ("operations", format!("{} of {all}", operations.len())),
            ("missing", listed(missing)),
        ]);
    }
    context.out.fields(&fields)
}
