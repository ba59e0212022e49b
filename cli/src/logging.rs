//! Logging to standard error.

use env_logger::{Builder, WriteStyle};
use log::LevelFilter;

use crate::args::GlobalArgs;
use crate::output::ColorChoice;

/// Begins to log what `-v` asks for. Nothing is logged without.
pub(crate) fn install(global: &GlobalArgs, colors: ColorChoice) {
    let level = match global.verbose {
        0 => LevelFilter::Off,
        1 => LevelFilter::Info,
        2 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    };
    // Other libraries at their warnings: what they tell beyond may hold a connection string.
    Builder::new()
        .filter_level(level.min(LevelFilter::Warn))
        .filter_module("polymnia", level)
        .write_style(if colors == ColorChoice::Never { WriteStyle::Never } else { WriteStyle::Auto })
        .format_timestamp_millis()
        .init();
}
