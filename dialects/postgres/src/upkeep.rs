//! Upkeep of indexes, and whether they are sound. The server itself sees to it that they agree with the memories.

use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Bool, Text};
use polymnia::{Call, Fault as Problem, Result, VerifyReport};

use crate::declared;
use crate::error::{self, Fault};
use crate::quote;
use crate::read::unsigned;
use crate::session::Session;
use crate::sql::Statement;

/// The indexes of the schema.
const INDEXES: [&str; 10] = [
    "changes_key",
    "memories_created",
    "memories_key",
    "memories_metadata",
    "memories_related_threads",
    "memories_tier_updated",
    "memories_updated",
    "memories_user_created",
    "memories_user_thread_created",
    "memories_user_tier_updated",
];

/// Has the server sort in what the GIN indexes keep in lists yet, where the role may.
///
/// No VACUUM: the server's own does that better, by when there is something to do, and it would wait for nobody here.
pub(crate) fn clean(session: &mut Session) -> Result<(), Fault> {
    let mut statement = Statement::<BigInt>::new(
        "SELECT gin_clean_pending_list(one.oid) FROM pg_catalog.pg_class AS one \
         JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.relnamespace AND schema.nspname = 'polymnia' \
         WHERE one.relname IN ('memories_metadata', 'memories_related_threads') AND one.relkind = 'i' \
         AND pg_has_role(one.relowner, 'USAGE')",
    );
    statement.plan_each_time();
    let _pages: Vec<i64> = session.load(statement)?;
    Ok(())
}

/// Counts the memories and looks at the indexes.
pub(crate) fn verify(
    session: &mut Session,
    call: &Call,
    scrub: impl Fn(&str) -> String,
) -> Result<VerifyReport, Fault> {
    let memories: i64 = session.load_one(Statement::<BigInt>::new("SELECT count(*) FROM polymnia.memories"))?;
    let mut report = VerifyReport { memories: unsigned(memories), ..VerifyReport::default() };
    let found = indexes(session)?;
    let declared = declared::list(session)?;
    let declared = declared.iter().map(|index| quote::index_name(&index.declaration.name));
    for name in INDEXES.iter().map(ToString::to_string).chain(declared) {
        match found.iter().find(|index| index.name == name) {
            None => add(&mut report, format!("index {name} is missing")),
            Some(index) if !index.valid => add(&mut report, unfinished(&name)),
            Some(_) => {}
        }
    }
    let left_over = |name: &str| name.starts_with(quote::PREFIX);
    for index in found.iter().filter(|index| !index.valid && left_over(&index.name)) {
        let problem = unfinished(&index.name);
        if !report.faults.iter().any(|fault| fault.problem == problem) {
            add(&mut report, problem);
        }
    }
    if can_check(session)? {
        for index in found.iter().filter(|index| index.valid && index.is_btree) {
            call.check()?;
            if let Some(problem) = check(session, index, &scrub)? {
                add(&mut report, problem);
            }
        }
    }
    Ok(report)
}

struct Index {
    oid: i64,
    name: String,
    valid: bool,
    is_btree: bool,
}

fn indexes(session: &mut Session) -> Result<Vec<Index>, Fault> {
    let mut statement = Statement::<(BigInt, Text, Bool, Bool)>::new(
        "SELECT one.oid::bigint, one.relname::text, state.indisvalid, method.amname = 'btree' \
         FROM pg_catalog.pg_class AS one \
         JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.relnamespace AND schema.nspname = 'polymnia' \
         JOIN pg_catalog.pg_index AS state ON state.indexrelid = one.oid \
         JOIN pg_catalog.pg_am AS method ON method.oid = one.relam WHERE one.relkind = 'i' \
         ORDER BY one.relname::text COLLATE \"C\"",
    );
    statement.plan_each_time();
    let rows: Vec<(i64, String, bool, bool)> = session.load(statement)?;
    Ok(rows.into_iter().map(|(oid, name, valid, is_btree)| Index { oid, name, valid, is_btree }).collect())
}

/// Returns whether the extension `amcheck` is there, with the right to use it, under a name that needs no search path.
fn can_check(session: &mut Session) -> Result<bool, Fault> {
    let mut statement = Statement::<Bool>::new(
        "SELECT coalesce(bool_or(has_function_privilege(one.oid, 'EXECUTE')), false) FROM pg_catalog.pg_proc AS one \
         JOIN pg_catalog.pg_depend AS of ON of.objid = one.oid AND of.deptype = 'e' \
         JOIN pg_catalog.pg_extension AS extension ON extension.oid = of.refobjid AND extension.extname = 'amcheck' \
         JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.pronamespace AND schema.nspname = 'public' \
         WHERE one.proname = 'bt_index_check' AND one.pronargs = 1",
    );
    statement.plan_each_time();
    session.load_one(statement)
}

/// Returns what is wrong inside an index, if anything. The server says it as an error.
fn check(session: &mut Session, index: &Index, scrub: impl Fn(&str) -> String) -> Result<Option<String>, Fault> {
    let mut statement = Statement::<Text>::new("SELECT public.bt_index_check((");
    statement.bind(index.oid).text("::bigint)::oid::regclass)::text");
    statement.plan_each_time();
    match session.load_one::<_, String>(statement) {
        Ok(_) => Ok(None),
        Err(Fault::Database { error: DieselError::DatabaseError(_, information), stage }) => {
            let server = scrub(error::first_line(information.message()));
            let error = DieselError::DatabaseError(diesel::result::DatabaseErrorKind::Unknown, information);
            if session.is_broken() || error::classify(&error, stage, &scrub).is_some() {
                return Err(Fault::Database { error, stage });
            }
            Ok(Some(format!("index {} is damaged: {server}", index.name)))
        }
        Err(fault) => Err(fault),
    }
}

fn unfinished(name: &str) -> String {
    format!("index {name} is invalid: its build was not finished")
}

fn add(report: &mut VerifyReport, problem: String) {
    report.fault_count += 1;
    if report.faults.len() < VerifyReport::MAX_FAULTS {
        report.faults.push(Problem { namespace: None, id: None, problem });
    }
}
