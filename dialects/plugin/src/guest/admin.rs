//! The operations across tenants.

use polymnia::spi::Engine;

use super::ask::{Ask, Outcome};
use super::schema;
use crate::operation::{
    Analyze, Changes, CreateIndex, DeleteNamespace, DropIndex, Indexes, Info, Namespaces, Operation, Optimize, Ping,
    RenameNamespace, SetChangeCapture, Sweep, Verify,
};

/// Does an operation on a database as a whole.
pub(super) fn dispatch(engine: &dyn Engine, ask: &Ask<'_>) -> Outcome {
    let call = &ask.call;
    let admin = engine.admin();
    match ask.operation() {
        Ping::CODE => ask.answer::<Ping>(|()| admin.ping(call)),
        Info::CODE => ask.answer::<Info>(|()| admin.info(call)),
        Namespaces::CODE => ask.answer::<Namespaces>(|(after, limit)| admin.namespaces(call, after.as_ref(), limit)),
        RenameNamespace::CODE => ask.answer::<RenameNamespace>(|(from, to)| admin.rename_namespace(call, &from, &to)),
        DeleteNamespace::CODE => ask.answer::<DeleteNamespace>(|(name,)| admin.delete_namespace(call, &name)),
        Sweep::CODE => ask.answer::<Sweep>(|(limit,)| admin.sweep(call, limit)),
        Analyze::CODE => ask.answer::<Analyze>(|()| admin.analyze(call)),
        Optimize::CODE => ask.answer::<Optimize>(|(upkeep,)| admin.optimize(call, upkeep)),
        Verify::CODE => ask.answer::<Verify>(|()| admin.verify(call)),
        Indexes::CODE => ask.answer::<Indexes>(|()| admin.indexes(call)),
        CreateIndex::CODE => ask.answer::<CreateIndex>(|(declaration,)| admin.create_index(call, &declaration)),
        DropIndex::CODE => ask.answer::<DropIndex>(|(name,)| admin.drop_index(call, &name)),
        SetChangeCapture::CODE => ask.answer::<SetChangeCapture>(|(on,)| admin.set_change_capture(call, on)),
        Changes::CODE => ask.answer::<Changes>(|(after, limit)| admin.changes(call, after, limit)),
        _ => schema::dispatch(engine.schema(), ask),
    }
}
