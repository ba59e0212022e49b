//! `backup list`

use polymnia::schema::{Backup, RunOptions};
use serde::Serialize;

use super::manifest;
use crate::args::{FolderArgs, Format};
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::output::{Column, Table, bytes, grouped, time};

#[derive(Serialize)]
struct Listed {
    backups: Vec<Backup>,
}

/// Lists the backups in the folder, newest first.
pub(super) fn run(context: &mut Context, args: &FolderArgs) -> Outcome {
    let folder = args.onto(RunOptions::default()).backup_folder;
    let (backups, others) = manifest::all(&folder)?;
    for other in others {
        let other = other.display();
        context.note(format!("{other} has no manifest that can be read: see `polymnia backup verify`"));
    }
    match context.format {
        Format::Json => context.out.document(Listed { backups })?,
        Format::Ndjson => {
            for backup in &backups {
                context.out.json_line(backup)?;
            }
        }
        Format::Table if backups.is_empty() => {
            context.out.line(format!("there are no backups in {}", folder.display()))?;
        }
        Format::Table => {
            let mut table = Table::new([
                Column::Text("made", 16),
                Column::Text("dialect", 20),
                Column::Text("schema version", 50),
                Column::Number("memories"),
                Column::Number("size"),
                Column::Text("file", 4_096),
            ]);
            for Backup { path, created_at, info } in &backups {
                table.row([
                    time(*created_at),
                    info.dialect.clone(),
                    info.version.clone().unwrap_or_else(|| "none".to_owned()),
                    info.memories.map_or_else(|| "-".to_owned(), grouped),
                    bytes(info.bytes),
                    path.display().to_string(),
                ]);
            }
            table.print(&mut context.out)?;
        }
    }
    Ok(Exit::Ok)
}
