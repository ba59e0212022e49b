//! `search`

use std::time::Instant;

use polymnia::{Cursor, Namespace, Page, Query, RecordLine};

use crate::args::{Format, OrderName, QueryArgs, SearchArgs, options};
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::output::{Header, SCHEMA_VERSION, duration, plural, print_memories, shell_line};

/// How many memories are read at a time with `--all`.
const ALL_LIMIT: u32 = 1_000;

/// Prints the memories that the conditions select.
pub(crate) fn run(context: &mut Context, args: &SearchArgs) -> Outcome {
    let mut query = args.query.query(if args.all { ALL_LIMIT } else { Query::DEFAULT_LIMIT })?;
    let namespace = context.namespace();
    let store = context.open()?;
    let started = Instant::now();
    let mut printer = Printer { format: context.format, namespace, printed: 0 };
    // Before anything is printed, so that a failing search prints no half document.
    let mut page = store.query(&printer.namespace, &query)?;
    printer.begin(context)?;
    printer.page(context, &page)?;
    while let (true, Some(cursor)) = (args.all, page.next) {
        query.cursor = Some(cursor);
        page = store.query(&printer.namespace, &query)?;
        printer.page(context, &page)?;
    }
    let next = page.next;
    let spent = started.elapsed();
    printer.end(context, next.as_ref())?;

    if context.format == Format::Table && !context.quiet {
        let memories = if printer.printed == 0 {
            format!("no memories in namespace {:?}", printer.namespace)
        } else {
            plural(printer.printed, "memory", "memories")
        };
        let paint = context.out.paint();
        context.out.line(paint.dim(&format!("{memories} in {}", duration(spent))))?;
        if let Some(cursor) = next {
            let command = next_command(context, &args.query, &query, cursor);
            context.out.line(format!("{} {}", paint.dim("more:"), paint.command(&command)))?;
        }
    } else if let (Format::Ndjson, Some(cursor)) = (context.format, next) {
        context.out.flush()?;
        context.note(format!("more: --cursor {cursor}"));
    }
    Ok(Exit::Ok)
}

/// Prints pages as they come.
struct Printer {
    format: Format,
    namespace: Namespace,
    printed: u64,
}

impl Printer {
    fn begin(&self, context: &mut Context) -> std::io::Result<()> {
        match self.format {
            Format::Json => context.out.text(&format!("{{\"schema_version\":{SCHEMA_VERSION},\"memories\":[")),
            Format::Ndjson | Format::Table => Ok(()),
        }
    }

    fn page(&mut self, context: &mut Context, page: &Page) -> std::io::Result<()> {
        let out = &mut context.out;
        match self.format {
            Format::Json => {
                for (memory, index) in page.memories.iter().zip(self.printed..) {
                    if index > 0 {
                        out.text(",")?;
                    }
                    out.json(&RecordLine::new(&self.namespace, memory))?;
                }
            }
            Format::Ndjson => {
                for memory in &page.memories {
                    out.json_line(&RecordLine::new(&self.namespace, memory))?;
                }
            }
            Format::Table if page.memories.is_empty() => {}
            Format::Table => {
                let header = if self.printed == 0 { Header::Shown } else { Header::Hidden };
                print_memories(out, &page.memories, header)?;
            }
        }
        self.printed += page.memories.len() as u64;
        Ok(())
    }

    fn end(&self, context: &mut Context, next: Option<&Cursor>) -> std::io::Result<()> {
        if self.format != Format::Json {
            return Ok(());
        }
        let cursor = next.map(ToString::to_string);
        context.out.text("],\"next_cursor\":")?;
        context.out.json(&cursor)?;
        context.out.text("}\n")
    }
}

/// Returns the command that prints the next page. A password in the URL is left out.
fn next_command(context: &Context, args: &QueryArgs, query: &Query, cursor: Cursor) -> String {
    let mut words = vec!["polymnia".to_owned()];
    words.extend(context.options());
    words.push("search".to_owned());
    words.extend(options(&query.selection));
    if args.order != OrderName::default() {
        words.extend(["--order".to_owned(), args.order.name().to_owned()]);
    }
    if let Some(limit) = args.limit {
        words.extend(["--limit".to_owned(), limit.to_string()]);
    }
    words.extend(["--cursor".to_owned(), cursor.to_string()]);
    shell_line(words.iter().map(String::as_str))
}
