//! The operations of one tenant.

use polymnia::spi::Engine;

use super::ask::{Ask, Outcome};
use super::{admin, cursor};
use crate::operation::{Apply, Count, DeleteMatching, Explain, Get, Load, Operation, Query, Stats};

/// Does an operation on a database.
pub(super) fn dispatch(engine: &dyn Engine, ask: &Ask<'_>) -> Outcome {
    let call = &ask.call;
    match ask.operation() {
        Get::CODE => {
            let (namespace, ids) = ask.arguments::<Get>()?;
            cursor::answer(ask, engine.get(call, &namespace, &ids)?, false)
        }
        Query::CODE => {
            let (namespace, query) = ask.arguments::<Query>()?;
            let rows = engine.query(call, &namespace, &query)?;
            cursor::answer(ask, rows.memories.into_iter().map(Some).collect(), rows.more)
        }
        Count::CODE => ask.answer::<Count>(|(namespace, selection)| engine.count(call, &namespace, &selection)),
        Apply::CODE => ask.answer::<Apply>(|(namespace, batch)| engine.apply(call, &namespace, &batch)),
        Load::CODE => ask.answer::<Load>(|(namespace, batch)| engine.load(call, &namespace, &batch)),
        Explain::CODE => ask.answer::<Explain>(|(namespace, query)| engine.explain(call, &namespace, &query)),
        DeleteMatching::CODE => {
            ask.answer::<DeleteMatching>(|(namespace, selection)| engine.delete_matching(call, &namespace, &selection))
        }
        Stats::CODE => ask.answer::<Stats>(|(namespace,)| engine.stats(call, &namespace)),
        _ => admin::dispatch(engine, ask),
    }
}
