//! `check`

use std::time::Duration;

use polymnia::{Capability, DatabaseInfo, PoolStatus, Support};
use serde::Serialize;

use crate::args::Format;
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::output::{bytes, duration};

/// How many times the way to the database is measured.
const PINGS: usize = 9;

#[derive(Serialize)]
struct Checked {
    database_url: String,
    database_url_from: String,
    /// Microseconds, the median of several.
    round_trip_us: u64,
    database: DatabaseInfo,
}

/// Connects and prints what is there.
pub(crate) fn run(context: &mut Context) -> Outcome {
    let store = context.open()?;
    let admin = store.admin();
    let mut pings: Vec<Duration> = (0..PINGS).map(|_| admin.ping()).collect::<polymnia::Result<_>>()?;
    pings.sort_unstable();
    let round_trip = pings[PINGS / 2];
    let database = admin.info()?;
    let url = &context.settings.database_url;
    if context.format != Format::Table {
        let checked = Checked {
            database_url: url.value.to_string(),
            database_url_from: url.source.to_string(),
            round_trip_us: u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX),
            database,
        };
        context.out.document(checked)?;
        return Ok(Exit::Ok);
    }
    let mut fields = vec![("url", url.value.to_string()), ("from", url.source.to_string())];
    fields.extend(described(&database));
    fields.push(("round trip", format!("{} (median of {PINGS})", duration(round_trip))));
    fields.push(("containment", containment(&store.capability()).to_owned()));
    fields.extend(database.details.iter().map(|(name, value)| (name.as_str(), value.clone())));
    context.out.fields(&fields)?;
    Ok(Exit::Ok)
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

fn containment(capability: &Capability) -> &'static str {
    match (capability.containment, capability.containment_index) {
        (Support::None, _) => "not supported",
        (_, Support::None) => "without an index: it walks what the other conditions leave",
        (_, Support::Emulated) => "with an index of our own",
        _ => "with an index",
    }
}
