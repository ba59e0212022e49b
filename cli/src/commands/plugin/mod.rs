//! `plugin`

mod inspect;
mod list;
#[cfg(feature = "verify")]
mod verify;

use crate::args::{PluginArgs, PluginVerb};
use crate::context::Context;
use crate::failure::Outcome;

/// Runs a verb of `plugin`.
pub(crate) fn run(context: &mut Context, args: &PluginArgs) -> Outcome {
    match &args.verb {
        PluginVerb::List => list::run(context),
        PluginVerb::Inspect { path } => inspect::run(context, path),
        #[cfg(feature = "verify")]
        PluginVerb::Verify(args) => verify::run(context, args),
        #[cfg(not(feature = "verify"))]
        PluginVerb::Verify(_) => Err(polymnia::Error::new(
            polymnia::ErrorKind::Unsupported,
            "this program was built without the suite: the feature `verify` has it",
        )
        .into()),
    }
}
