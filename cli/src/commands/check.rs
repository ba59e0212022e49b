//! `check`

use std::time::Duration;

use polymnia::{
    Admin, Capability, DatabaseInfo, Error, ErrorKind, Fault, MemoryStore, PoolStatus, Result, Support, VerifyReport,
};
use serde::Serialize;

use crate::args::{CheckArgs, Format};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Column, Out, Table, bytes, duration, grouped, plural};
use crate::progress::Waiting;

/// How many times the way to the database is measured.
const PINGS: usize = 9;

#[derive(Serialize)]
struct Checked {
    database_url: String,
    database_url_from: String,
    /// Microseconds, the median of several.
    round_trip_us: u64,
    database: DatabaseInfo,
    capability: Supported,
    /// With `--deep`.
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<VerifyReport>,
}

/// Is what concerns filters of what the dialect can do, and how.
#[derive(Clone, Copy, Serialize)]
struct Supported {
    containment: &'static str,
    containment_index: &'static str,
    filters: &'static str,
    declared_indexes: &'static str,
    bulk_load: &'static str,
}

/// Connects and prints what is there.
pub(crate) fn run(context: &mut Context, args: &CheckArgs) -> Outcome {
    let store = context.open()?;
    let admin = store.admin();
    let mut pings: Vec<Duration> = (0..PINGS).map(|_| admin.ping()).collect::<Result<_>>()?;
    pings.sort_unstable();
    let round_trip = pings[PINGS / 2];
    let database = admin.info()?;
    let verification = if args.deep { Some(verify(context, &admin)?) } else { None };
    let capability = Supported::of(&store);
    let faults = verification.as_ref().map_or(0, |report| report.fault_count);
    let url = &context.settings.database_url;
    if context.format == Format::Table {
        let mut fields = vec![("url", url.value.to_string()), ("from", url.source.to_string())];
        fields.extend(described(&database));
        fields.push(("round trip", format!("{} (median of {PINGS})", duration(round_trip))));
        fields.extend(capability.described());
        fields.extend(database.details.iter().map(|(name, value)| (name.as_str(), value.clone())));
        context.out.fields(&fields)?;
        if let Some(report) = &verification {
            print(&mut context.out, report)?;
        }
    } else {
        let checked = Checked {
            database_url: url.value.to_string(),
            database_url_from: url.source.to_string(),
            round_trip_us: u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX),
            database,
            capability,
            verification,
        };
        context.out.document(checked)?;
    }
    context.out.flush()?;
    if faults == 0 { Ok(Exit::Ok) } else { Err(unsound(faults)) }
}

fn verify(context: &Context, admin: &Admin) -> Result<VerifyReport> {
    let _waiting = Waiting::begin(context.quiet, "verifying");
    admin.verify()
}

fn unsound(faults: u64) -> Failure {
    let message = format!("what is derived from memories has {}", plural(faults, "fault", "faults"));
    let error = Error::new(ErrorKind::Corrupt, message)
        .with_hint("`polymnia optimize` derives it anew from the memories, which are as they were");
    Failure::new(Exit::Unsound, error)
}

fn described(database: &DatabaseInfo) -> Vec<(&'static str, String)> {
    let DatabaseInfo { dialect, server_version, schema_version, schema_pending, read_only, .. } = database;
    let schema = match (schema_version, schema_pending) {
        (None, _) => "not initialised: run `polymnia init`".to_owned(),
        (Some(version), 0) => format!("{version}, up to date"),
        (Some(version), 1) => format!("{version}, 1 migration pending: run `polymnia init`"),
        (Some(version), pending) => format!("{version}, {pending} migrations pending: run `polymnia init`"),
    };
    let extensions: Vec<String> =
        database.extensions.iter().map(|extension| format!("{} {}", extension.name, extension.version)).collect();
    let PoolStatus { connections, idle, max_size } = database.pool;
    let mut fields = vec![
        ("dialect", dialect.clone()),
        ("server version", server_version.clone()),
        ("schema version", schema),
        ("writable", if *read_only { "no" } else { "yes" }.to_owned()),
    ];
    fields.extend(database.bytes.map(|size| ("size", bytes(size))));
    fields.extend([
        ("extensions", if extensions.is_empty() { "none".to_owned() } else { extensions.join(", ") }),
        ("pool", format!("{connections} open, {idle} idle, {max_size} at most")),
    ]);
    fields
}

impl Supported {
    fn of(store: &MemoryStore) -> Self {
        let Capability { containment, containment_index, filters, declared_indexes, bulk_load, .. } =
            store.capability();
        let [containment, containment_index, filters, declared_indexes, bulk_load] =
            [containment, containment_index, filters, declared_indexes, bulk_load].map(|support| match support {
                Support::None => "none",
                Support::Emulated => "emulated",
                _ => "native",
            });
        Self { containment, containment_index, filters, declared_indexes, bulk_load }
    }

    fn described(self) -> [(&'static str, String); 5] {
        let Self { containment, containment_index, filters, declared_indexes, bulk_load } = self;
        [
            ("containment", containment),
            ("containment index", containment_index),
            ("filters", filters),
            ("declared indexes", declared_indexes),
            ("bulk load", bulk_load),
        ]
        .map(|(name, how)| {
            let meant = match how {
                "none" => "no",
                "emulated" => "by code of Polymnia's, with the same answers",
                _ => "by the database",
            };
            (name, meant.to_owned())
        })
    }
}

fn print(out: &mut Out, report: &VerifyReport) -> std::io::Result<()> {
    let VerifyReport { memories, entries, pending, fault_count, faults } = report;
    let pending = match pending {
        0 => "0".to_owned(),
        pending => format!("{}: run `polymnia optimize`", grouped(*pending)),
    };
    out.line("")?;
    out.fields(&[
        ("memories", grouped(*memories)),
        ("index entries", grouped(*entries)),
        ("not indexed yet", pending),
        ("faults", grouped(*fault_count)),
    ])?;
    if faults.is_empty() {
        return Ok(());
    }
    out.line("")?;
    let mut table = Table::new([Column::Text("namespace", 24), Column::Text("memory", 36), Column::Rest("problem")]);
    for Fault { namespace, id, problem } in faults {
        let namespace = namespace.as_ref().map(ToString::to_string).unwrap_or_default();
        table.row([namespace, id.map(|id| id.to_string()).unwrap_or_default(), problem.clone()]);
    }
    table.print(out)?;
    let more = fault_count.saturating_sub(faults.len() as u64);
    if more > 0 {
        let line = out.paint().dim(&format!("and {} more", grouped(more)));
        out.line(line)?;
    }
    Ok(())
}
