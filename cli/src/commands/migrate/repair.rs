//! `migrate repair`

use polymnia::schema::RepairReport;

use crate::args::{Format, LockArgs, PlaceArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::output::block;
use crate::schema::{Place, interruptible, versions};

/// Brings the ledgers into line and says what was changed.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, args: &LockArgs) -> Outcome {
    let place = Place::open_to_run(context, place, Missing::Refuse, args.options()?)?;
    let report = interruptible("polymnia migrate repair", || place.schema.repair())?;
    if context.format != Format::Table {
        context.out.document(report)?;
        return Ok(Exit::Ok);
    }
    let RepairReport { accepted, adopted, removed, dropped_indexes } = &report;
    let lists = [
        ("scripts accepted as they are now", accepted),
        ("taken over from other tools", adopted),
        ("failures that left nothing, removed", removed),
    ];
    let mut fields: Vec<(&str, String)> =
        lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| (name, versions(list))).collect();
    if !dropped_indexes.is_empty() {
        fields.push(("half-made indexes, dropped", block(&dropped_indexes.join(", "))));
    }
    if fields.is_empty() {
        context.out.line("nothing to repair")?;
    } else {
        context.out.fields(&fields)?;
    }
    Ok(Exit::Ok)
}
