//! What the plugin logs goes to the host: its `log` is its own.

use std::cell::Cell;
use std::sync::{PoisonError, RwLock};

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::callback::HostLog;

/// Where records go: to the host that asked for a description last.
static HOST: RwLock<Option<HostLog>> = RwLock::new(None);

thread_local! {
    /// Whether a record is on its way: one that comes back would go round for ever.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Sends records to this host from now on.
pub(super) fn install(host: Option<HostLog>) {
    *HOST.write().unwrap_or_else(PoisonError::into_inner) = host;
    // Where there is a logger already, it is the program's own, and gets the records without us.
    let _ = log::set_logger(&Forward);
    refresh();
}

/// Asks the host again what it wants to know.
pub(super) fn refresh() {
    log::set_max_level(host().map_or(LevelFilter::Off, |host| filter(host.level())));
}

#[derive(Debug)]
struct Forward;

impl Log for Forward {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata())
            && let Some(host) = host()
        {
            forward(&host, record);
        }
    }

    fn flush(&self) {}
}

fn host() -> Option<HostLog> {
    *HOST.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn forward(host: &HostLog, record: &Record<'_>) {
    // Written before anything is marked: what a record shows is the dialect's, and may panic.
    let message = record.args().to_string();
    if BUSY.replace(true) {
        return;
    }
    host.log(number(record.level()), record.target(), &message);
    BUSY.set(false);
}

fn number(level: Level) -> u32 {
    match level {
        Level::Error => 1,
        Level::Warn => 2,
        Level::Info => 3,
        Level::Debug => 4,
        Level::Trace => 5,
    }
}

fn filter(number: u32) -> LevelFilter {
    match number {
        0 => LevelFilter::Off,
        1 => LevelFilter::Error,
        2 => LevelFilter::Warn,
        3 => LevelFilter::Info,
        4 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    }
}
