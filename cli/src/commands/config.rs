//! `config`

use std::path::PathBuf;

use serde::Serialize;

use crate::args::{ConfigVerb, Format};
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::output::{Column, Table, duration};
use crate::settings::Source;

#[derive(Serialize)]
struct Shown {
    settings: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    setting: &'static str,
    value: Option<String>,
    from: String,
}

/// Prints what applies and where it comes from, without passwords.
pub(crate) fn run(context: &mut Context, verb: ConfigVerb) -> Outcome {
    let ConfigVerb::Show = verb;
    let settings = rows(context);
    match context.format {
        Format::Json => context.out.document(Shown { settings })?,
        Format::Ndjson => {
            for row in &settings {
                context.out.json_line(row)?;
            }
        }
        Format::Table => {
            let mut table =
                Table::new([Column::Text("setting", 20), Column::Text("value", 120), Column::Text("from", 40)]);
            for Row { setting, value, from } in settings {
                table.row([setting.to_owned(), value.unwrap_or_else(|| "none".to_owned()), from]);
            }
            table.print(&mut context.out)?;
        }
    }
    Ok(Exit::Ok)
}

fn rows(context: &Context) -> Vec<Row> {
    let settings = &context.settings;
    let config = settings.config_path.as_ref();
    let config_from = match (config.map(|path| path.source), &settings.config_file) {
        (None, _) => "no home folder".to_owned(),
        (Some(source), Some(_)) => source.to_string(),
        (Some(source), None) => format!("{source}, not there"),
    };
    let timeout = settings.timeout;
    let from = |source: Option<Source>| source.unwrap_or(Source::Default).to_string();
    vec![
        Row {
            setting: "database.url",
            value: Some(settings.database_url.value.to_string()),
            from: settings.database_url.source.to_string(),
        },
        Row {
            setting: "namespace",
            value: Some(settings.namespace.value.to_string()),
            from: settings.namespace.source.to_string(),
        },
        Row {
            setting: "timeout",
            value: timeout.map(duration),
            from: if timeout.is_some() { Source::Option("--timeout") } else { Source::Default }.to_string(),
        },
        Row {
            setting: "database.migrate_url",
            value: settings.migrate_url.as_ref().map(|setting| setting.value.to_string()),
            from: from(settings.migrate_url.as_ref().map(|setting| setting.source)),
        },
        Row {
            setting: "migrations",
            value: settings.migrations.as_ref().map(|setting| setting.value.display().to_string()),
            from: from(settings.migrations.as_ref().map(|setting| setting.source)),
        },
        Row {
            setting: "plugins",
            value: (!settings.plugins.value.is_empty()).then(|| shown(&settings.plugins.value)),
            from: settings.plugins.source.to_string(),
        },
        Row {
            setting: "plugin_path",
            value: settings.plugin_path.as_ref().map(|setting| setting.value.display().to_string()),
            from: from(settings.plugin_path.as_ref().map(|setting| setting.source)),
        },
        Row {
            setting: "only_plugins",
            value: Some(settings.only_plugins.value.to_string()),
            from: settings.only_plugins.source.to_string(),
        },
        Row {
            setting: "configuration file",
            value: config.map(|path| path.value.display().to_string()),
            from: config_from,
        },
    ]
}

fn shown(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}
