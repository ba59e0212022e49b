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
    /// Whether nobody but its user and root can change it.
    trusted: bool,
    /// Who else can.
    distrust: Option<String>,
    /// Whether a list of checksums has it.
    pinned: bool,
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
    newest_schema: Option<String>,
}

/// Tells what a shared library is. Its code runs only if it may be loaded.
pub(super) fn run(context: &mut Context, path: &Path) -> Outcome {
    let inspection = plugins::inspect(context, path)?;
    let pinned = inspection.is_pinned();
    let Inspection { path, bytes, sha256, trust, plugin, .. } = inspection;
    let inspected = Inspected {
        path: path.display().to_string(),
        bytes,
        sha256,
        trusted: trust.is_ok(),
        distrust: trust.err().map(|error| error.to_string()),
        pinned,
        plugin: plugin.as_ref().ok().map(Told::of),
        reason: plugin.as_ref().err().map(ToString::to_string),
    };
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
            newest_schema: source.and_then(|source| Some(source.scripts.last()?.version.to_string())),
        }
    }
}

/// The features of requests, and what messages call them.
const FEATURES: [(u64, &str); 3] =
    [(FEATURE_CONTAINMENT, "containment"), (FEATURE_FILTERS, "filters"), (FEATURE_RELATED_THREADS, "related threads")];

fn print(context: &mut Context, inspected: &Inspected) -> std::io::Result<()> {
    let Inspected { path, bytes: size, sha256, trusted: _, distrust, pinned, plugin, reason: _ } = inspected;
    let trust = distrust.as_deref().unwrap_or("nobody else can change it");
    let mut fields = vec![
        ("library", block(path)),
        ("size", bytes(*size)),
        ("sha256", format!("{sha256}{}", if *pinned { ", pinned" } else { "" })),
        ("trust", block(trust)),
    ];
    if let Some(Told { name, version, abi, schemes, features, operations, missing, newest_schema }) = plugin {
        let listed = |names: &[&str]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let all = operations.len() + missing.len();
        fields.extend([
            ("dialect", block(name)),
            ("version", block(version)),
            ("ABI", format!("{abi} (this program: {ABI_MAJOR}.{ABI_MINOR})")),
            ("URL schemes", block(&schemes.join(", "))),
            ("schema version", newest_schema.clone().unwrap_or_else(|| "not told without a database".to_owned())),
            ("features", listed(features)),
            ("operations", format!("{} of {all}", operations.len())),
            ("missing", listed(missing)),
        ]);
    }
    context.out.fields(&fields)
}
