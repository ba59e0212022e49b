//! The operations on the dialect itself.

use polymnia::spi::Engine;

use super::ask::{Ask, Outcome};
use super::export::Exported;
use crate::abi::FEATURES;
use crate::message::{Description, Opened};
use crate::operation::{ALL, Claims, Migrations, Operation, Recognizes};

/// Returns what the plugin says of itself.
pub(super) fn describe(exported: &Exported) -> Description {
    let dialect = exported.dialect();
    Description {
        name: dialect.name().to_owned(),
        version: exported.version().to_owned(),
        url_schemes: dialect.url_schemes().iter().map(|scheme| (*scheme).to_owned()).collect(),
        operations: ALL.iter().map(|(code, _)| *code).collect(),
        features: FEATURES,
    }
}

/// Returns what the host is told of a database.
pub(super) fn opened(engine: &dyn Engine) -> Opened {
    Opened { capability: engine.capability(), source: engine.schema().source() }
}

/// Does an operation on the dialect.
pub(super) fn dispatch(ask: &Ask<'_>) -> Outcome {
    let dialect = ask.exported.dialect();
    match ask.operation() {
        Recognizes::CODE => ask.answer::<Recognizes>(|(text,)| Ok(dialect.recognizes(&text))),
        Claims::CODE => ask.answer::<Claims>(|(options,)| dialect.claims(&options)),
        Migrations::CODE => ask.answer::<Migrations>(|()| dialect.source()),
        _ => Err(ask.unknown("the dialect")),
    }
}
