//! `plugin list`

use polymnia::spi::Dialect;
use polymnia::{ErrorKind, Registry, Result};
use polymnia_plugin::host::PluginDialect;
use serde::Serialize;

use crate::args::Format;
use crate::context::Context;
use crate::dialects;
use crate::failure::{Exit, Outcome};
use crate::output::{Column, Table, block};
use crate::plugins::{self, Found};

#[derive(Serialize)]
struct Listed {
    dialects: Vec<Row>,
}

/// Is a dialect, or a library that ought to bring one.
#[derive(Debug, Default, Serialize)]
struct Row {
    name: Option<String>,
    version: Option<String>,
    schemes: Vec<String>,
    /// The version of the interface that the library has.
    abi: Option<String>,
    /// The library; none of the dialects of this program.
    path: Option<String>,
    state: State,
    /// Why it isn't there.
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Part of this program.
    #[default]
    BuiltIn,
    Loaded,
    /// By `--only-plugins`.
    LeftOut,
    /// Its URLs are another's.
    Refused,
    NotLoaded,
}

/// Lists the dialects of this program and the plugins that the settings name, each with its state. What can't be loaded is
/// listed as well.
pub(super) fn run(context: &mut Context) -> Outcome {
    let dialects = rows(context)?;
    match context.format {
        Format::Json => context.out.document(Listed { dialects })?,
        Format::Ndjson => {
            for row in &dialects {
                context.out.json_line(row)?;
            }
        }
        Format::Table => print(context, &dialects)?,
    }
    Ok(Exit::Ok)
}

fn rows(context: &Context) -> Result<Vec<Row>> {
    let only = context.settings.only_plugins.value;
    let built_in = dialects::built_in();
    let state = if only { State::LeftOut } else { State::BuiltIn };
    let mut rows: Vec<Row> = built_in.dialects().map(|dialect| of_this_program(dialect, state)).collect();
    let mut registry = if only { Registry::new() } else { built_in };
    for Found { path, plugin, .. } in plugins::find(context)? {
        let row = match plugin {
            Err(error) => Row {
                path: Some(path.display().to_string()),
                state: State::NotLoaded,
                reason: Some(error.to_string()),
                ..Row::default()
            },
            Ok(plugin) => {
                let row = of_plugin(&plugin);
                // Asked of a copy: one that is refused leaves the others as they are.
                match plugins::with(registry.clone(), plugin, only) {
                    Ok(with) => {
                        registry = with;
                        row
                    }
                    Err(error) if error.kind() == ErrorKind::Config => {
                        Row { state: State::Refused, reason: Some(error.to_string()), ..row }
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        rows.push(row);
    }
    Ok(rows)
}

fn of_this_program(dialect: &dyn Dialect, state: State) -> Row {
    Row {
        name: Some(dialect.name().to_owned()),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        schemes: schemes(dialect),
        state,
        ..Row::default()
    }
}

fn of_plugin(plugin: &PluginDialect) -> Row {
    let (major, minor) = plugin.abi_version();
    Row {
        name: Some(plugin.name().to_owned()),
        version: Some(plugin.description().version.clone()),
        schemes: schemes(plugin),
        abi: Some(format!("{major}.{minor}")),
        path: plugin.library().map(|library| library.path.display().to_string()),
        state: State::Loaded,
        reason: None,
    }
}

fn schemes(dialect: &dyn Dialect) -> Vec<String> {
    dialect.url_schemes().iter().map(|scheme| (*scheme).to_owned()).collect()
}

fn print(context: &mut Context, rows: &[Row]) -> std::io::Result<()> {
    if rows.is_empty() {
        return context.out.line("there is no dialect: name a plugin with --plugin or --plugin-path");
    }
    let mut table = Table::new([
        Column::Text("name", 40),
        Column::Text("version", 20),
        Column::Text("schemes", 40),
        Column::Text("ABI", 12),
        Column::Text("state", 12),
        Column::Rest("library"),
    ])
    .with_lines(4);
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    for Row { name, version, schemes, abi, path, state, .. } in rows {
        let schemes = if schemes.is_empty() { "-".to_owned() } else { schemes.join(", ") };
        table.row([or_none(name), or_none(version), schemes, or_none(abi), state.told().to_owned(), or_none(path)]);
    }
    table.print(&mut context.out)?;
    for reason in rows.iter().filter_map(|row| row.reason.as_deref()) {
        let line = format!("{} {}", context.out.paint().command("note:"), block(reason));
        context.out.line(line)?;
    }
    Ok(())
}

impl State {
    fn told(self) -> &'static str {
        match self {
            Self::BuiltIn => "built in",
            Self::Loaded => "loaded",
            Self::LeftOut => "left out",
            Self::Refused => "refused",
            Self::NotLoaded => "not loaded",
        }
    }
}
