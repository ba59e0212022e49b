//! Statements: pieces of text that stand in this crate, and values that are bound.

use std::fmt;
use std::marker::PhantomData;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::data_types::PgTimestamp;
use diesel::pg::{Pg, PgConnection, PgValue};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Array, BigInt, Bool, Double, Jsonb, Nullable, Text, Timestamptz, Uuid};
use diesel::{QueryResult, RunQueryDsl};
use polymnia::{Error, ErrorKind, Timestamp};
use std::io::Write as _;

/// Is a statement whose rows have the types of the tuple `Columns`.
///
/// Text can only be `'static`, so nothing from a caller gets into it.
pub(crate) struct Statement<'a, Columns = ()> {
    pieces: Vec<Piece<'a>>,
    plan: Plan,
    columns: PhantomData<Columns>,
}

/// Says what the server keeps of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// It is prepared once a connection. From the sixth execution on, the server may plan it without looking at the values.
    Kept,
    /// It is planned each time, for the values bound.
    Fresh,
}

enum Piece<'a> {
    Text(&'static str),
    Bind(Bind<'a>),
}

/// Is a value to be bound.
pub(crate) enum Bind<'a> {
    Text(&'a str),
    MaybeText(Option<&'a str>),
    Texts(Vec<&'a str>),
    MaybeTexts(Vec<Option<&'a str>>),
    MaybeOwnedText(Option<String>),
    MaybeOwnedTexts(Vec<Option<String>>),
    Uuid(uuid::Uuid),
    Uuids(Vec<uuid::Uuid>),
    Time(PgTimestamp),
    MaybeTime(Option<PgTimestamp>),
    Times(Vec<PgTimestamp>),
    MaybeTimes(Vec<Option<PgTimestamp>>),
    Json(JsonText<'a>),
    MaybeJson(Option<JsonText<'a>>),
    Jsons(Vec<JsonText<'a>>),
    MaybeJsons(Vec<Option<JsonText<'a>>>),
    OwnedText(String),
    OwnedJson(OwnedJson),
    Double(f64),
    MaybeDouble(Option<f64>),
    Doubles(Vec<f64>),
    MaybeDoubles(Vec<Option<f64>>),
    BigInt(i64),
    MaybeBigInt(Option<i64>),
    BigInts(Vec<i64>),
    MaybeBigInts(Vec<Option<i64>>),
    Bool(bool),
    Bools(Vec<bool>),
}

impl<'a, Columns> Statement<'a, Columns> {
    /// Returns a statement that begins with this text.
    pub(crate) fn new(text: &'static str) -> Self {
        Self { pieces: vec![Piece::Text(text)], plan: Plan::Kept, columns: PhantomData }
    }

    /// Adds text.
    pub(crate) fn text(&mut self, text: &'static str) -> &mut Self {
        self.pieces.push(Piece::Text(text));
        self
    }

    /// Adds a placeholder and its value.
    pub(crate) fn bind(&mut self, value: impl Into<Bind<'a>>) -> &mut Self {
        self.pieces.push(Piece::Bind(value.into()));
        self
    }

    /// Has the server plan the statement each time.
    ///
    /// For conditions whose selectivity depends on the value: a plan made without the values may be a thousand times slower.
    pub(crate) fn plan_each_time(&mut self) -> &mut Self {
        self.plan = Plan::Fresh;
        self
    }
}

impl<'a, Columns> Statement<'a, Columns> {
    /// Returns the statement that has the server run this one and tell how: one row of JSON.
    pub(crate) fn explain(mut self) -> Statement<'a, Text> {
        self.pieces.insert(0, Piece::Text("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "));
        Statement { pieces: self.pieces, plan: Plan::Fresh, columns: PhantomData }
    }

    /// Checks that the values are not too many for one statement.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] beyond 65,535, the most that the protocol has numbers for.
    pub(crate) fn check(&self) -> polymnia::Result<()> {
        let values = self.pieces.iter().filter(|piece| matches!(piece, Piece::Bind(_))).count();
        if u16::try_from(values).is_ok() {
            return Ok(());
        }
        let message = format!("the filter takes {values} bound values on the dialect postgres: expected at most 65535");
        Err(Error::new(ErrorKind::Unsupported, message))
    }
}

impl<Columns> QueryFragment<Pg> for Statement<'_, Columns> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.plan == Plan::Fresh {
            // Unnamed, parsed, planned and run in one round trip.
            out.unsafe_to_cache_prepared();
        }
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_sql(text),
                Piece::Bind(bind) => bind.push(&mut out)?,
            }
        }
        Ok(())
    }
}

impl<Columns> QueryId for Statement<'_, Columns> {
    type QueryId = ();
    // Cached by text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Columns> Query for Statement<'_, Columns> {
    type SqlType = Columns;
}

impl<Columns> RunQueryDsl<PgConnection> for Statement<'_, Columns> {}

impl<Columns> fmt::Debug for Statement<'_, Columns> {
    /// Writes the text only: no value gets into a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut number = 0;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Bind(_) => {
                    number += 1;
                    write!(f, "${number}")?;
                }
            }
        }
        Ok(())
    }
}

impl Bind<'_> {
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Self::Text(value) => out.push_bind_param::<Text, _>(value),
            Self::MaybeText(value) => out.push_bind_param::<Nullable<Text>, _>(value),
            Self::Texts(value) => out.push_bind_param::<Array<Text>, _>(value),
            Self::MaybeTexts(value) => out.push_bind_param::<Array<Nullable<Text>>, _>(value),
            Self::MaybeOwnedText(value) => out.push_bind_param::<Nullable<Text>, _>(value),
            Self::MaybeOwnedTexts(value) => out.push_bind_param::<Array<Nullable<Text>>, _>(value),
            Self::Uuid(value) => out.push_bind_param::<Uuid, _>(value),
            Self::Uuids(value) => out.push_bind_param::<Array<Uuid>, _>(value),
            Self::Time(value) => out.push_bind_param::<Timestamptz, _>(value),
            Self::MaybeTime(value) => out.push_bind_param::<Nullable<Timestamptz>, _>(value),
            Self::Times(value) => out.push_bind_param::<Array<Timestamptz>, _>(value),
            Self::MaybeTimes(value) => out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(value),
            Self::Json(value) => out.push_bind_param::<Jsonb, _>(value),
            Self::MaybeJson(value) => out.push_bind_param::<Nullable<Jsonb>, _>(value),
            Self::Jsons(value) => out.push_bind_param::<Array<Jsonb>, _>(value),
            Self::MaybeJsons(value) => out.push_bind_param::<Array<Nullable<Jsonb>>, _>(value),
            Self::OwnedText(value) => out.push_bind_param::<Text, _>(value),
            Self::OwnedJson(value) => out.push_bind_param::<Jsonb, _>(value),
            Self::Double(value) => out.push_bind_param::<Double, _>(value),
            Self::MaybeDouble(value) => out.push_bind_param::<Nullable<Double>, _>(value),
            Self::Doubles(value) => out.push_bind_param::<Array<Double>, _>(value),
            Self::MaybeDoubles(value) => out.push_bind_param::<Array<Nullable<Double>>, _>(value),
            Self::BigInt(value) => out.push_bind_param::<BigInt, _>(value),
            Self::MaybeBigInt(value) => out.push_bind_param::<Nullable<BigInt>, _>(value),
            Self::BigInts(value) => out.push_bind_param::<Array<BigInt>, _>(value),
            Self::MaybeBigInts(value) => out.push_bind_param::<Array<Nullable<BigInt>>, _>(value),
            Self::Bool(value) => out.push_bind_param::<Bool, _>(value),
            Self::Bools(value) => out.push_bind_param::<Array<Bool>, _>(value),
        }
    }
}

macro_rules! bind_from {
    ($($variant:ident: $type:ty),* $(,)?) => {$(
        impl<'a> From<$type> for Bind<'a> {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}

bind_from! {
    Text: &'a str,
    MaybeText: Option<&'a str>,
    Texts: Vec<&'a str>,
    MaybeTexts: Vec<Option<&'a str>>,
    MaybeOwnedText: Option<String>,
    MaybeOwnedTexts: Vec<Option<String>>,
    Uuid: uuid::Uuid,
    Uuids: Vec<uuid::Uuid>,
    Time: PgTimestamp,
    MaybeTime: Option<PgTimestamp>,
    Times: Vec<PgTimestamp>,
    MaybeTimes: Vec<Option<PgTimestamp>>,
    Json: JsonText<'a>,
    MaybeJson: Option<JsonText<'a>>,
    Jsons: Vec<JsonText<'a>>,
    MaybeJsons: Vec<Option<JsonText<'a>>>,
    OwnedText: String,
    OwnedJson: OwnedJson,
    Double: f64,
    MaybeDouble: Option<f64>,
    Doubles: Vec<f64>,
    MaybeDoubles: Vec<Option<f64>>,
    BigInt: i64,
    MaybeBigInt: Option<i64>,
    BigInts: Vec<i64>,
    MaybeBigInts: Vec<Option<i64>>,
    Bool: bool,
    Bools: Vec<bool>,
}

impl From<Timestamp> for Bind<'_> {
    fn from(time: Timestamp) -> Self {
        Self::Time(pg_time(time))
    }
}

/// Microseconds from 1970 to 2000, where PostgreSQL begins to count.
const EPOCH: i64 = 946_684_800_000_000;

/// Returns the time as PostgreSQL counts it. The years 1 to 9999 are far from the ends of the range.
pub(crate) fn pg_time(time: Timestamp) -> PgTimestamp {
    PgTimestamp(time.as_micros() - EPOCH)
}

/// Returns the time, unless it is infinite or outside the years 1 to 9999.
pub(crate) fn time(PgTimestamp(micros): PgTimestamp) -> Option<Timestamp> {
    Timestamp::from_micros(micros.checked_add(EPOCH)?).ok()
}

/// Is canonical JSON text to be bound as `jsonb`, without a detour over a tree.
#[derive(Clone, Copy)]
pub(crate) struct JsonText<'a>(pub(crate) &'a str);

impl fmt::Debug for JsonText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonText({} bytes)", self.0.len())
    }
}

/// The first byte of every `jsonb` value on the wire.
const JSONB_VERSION: u8 = 1;

impl ToSql<Jsonb, Pg> for JsonText<'_> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        write_json(self.0, out)
    }
}

/// Is JSON text made here, to be bound as `jsonb`.
pub(crate) struct OwnedJson(pub(crate) String);

impl fmt::Debug for OwnedJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnedJson({} bytes)", self.0.len())
    }
}

impl ToSql<Jsonb, Pg> for OwnedJson {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        write_json(&self.0, out)
    }
}

fn write_json(text: &str, out: &mut Output<'_, '_, Pg>) -> serialize::Result {
    out.write_all(&[JSONB_VERSION])?;
    out.write_all(text.as_bytes())?;
    Ok(IsNull::No)
}

/// Is the text of a `jsonb` value as the server prints it: canonical.
#[derive(Debug, FromSqlRow)]
pub(crate) struct StoredJson(pub(crate) String);

impl FromSql<Jsonb, Pg> for StoredJson {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes() {
            [JSONB_VERSION, text @ ..] => Ok(Self(std::str::from_utf8(text)?.to_owned())),
            _ => Err("jsonb of another version than 1".into()),
        }
    }
}

impl FromSql<Text, Pg> for StoredJson {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(std::str::from_utf8(value.as_bytes())?.to_owned()))
    }
}
