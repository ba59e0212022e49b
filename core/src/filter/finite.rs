//! Values to compare with, floats that are no numbers refused.

use std::fmt::{self, Display};

use serde::Serialize;
use serde::ser::{
    self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant,
};

use crate::{Error, Json, Result};

/// Returns the JSON of a value to compare with.
///
/// # Errors
///
/// As [`Json::from_serialize`], and for NaN and the infinities: written as JSON they would ask for `null`.
pub(super) fn json(value: &(impl Serialize + ?Sized)) -> Result<Json> {
    // Any other error is for `from_serialize` to tell.
    if let Err(Stop { not_finite: true }) = value.serialize(Finite) {
        return Err(Error::invalid_input("a value is NaN or infinite: expected numbers that JSON can hold"));
    }
    Json::from_serialize(value)
}

/// Walks a value and stops at a float that is no number.
#[derive(Clone, Copy)]
struct Finite;

#[derive(Debug)]
struct Stop {
    not_finite: bool,
}

impl Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<T: Display>(_: T) -> Self {
        Self { not_finite: false }
    }
}

type Walk = Result<(), Stop>;

macro_rules! plain {
    ($($method:ident($type:ty)),*) => {$(
        fn $method(self, _: $type) -> Walk {
            Ok(())
        }
    )*};
}

macro_rules! part {
    ($($trait:ident::$method:ident($($name:ty)?)),*) => {$(
        impl $trait for Finite {
            type Ok = ();
            type Error = Stop;

            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Walk {
                value.serialize(*self)
            }

            fn end(self) -> Walk {
                Ok(())
            }
        }
    )*};
}

impl ser::Serializer for Finite {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    plain!(serialize_bool(bool), serialize_char(char), serialize_str(&str), serialize_bytes(&[u8]));
    plain!(serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64), serialize_i128(i128));
    plain!(serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64), serialize_u128(u128));
    plain!(serialize_unit_struct(&'static str));

    fn serialize_f32(self, value: f32) -> Walk {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Walk {
        if value.is_finite() { Ok(()) } else { Err(Stop { not_finite: true }) }
    }

    fn serialize_none(self) -> Walk {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Walk {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Walk {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Walk {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Walk {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Walk {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self, Stop> {
        Ok(self)
    }
}

part!(
    SerializeSeq::serialize_element(),
    SerializeTuple::serialize_element(),
    SerializeTupleStruct::serialize_field(),
    SerializeTupleVariant::serialize_field(),
    SerializeStruct::serialize_field(&'static str),
    SerializeStructVariant::serialize_field(&'static str)
);

impl SerializeMap for Finite {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Walk {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Walk {
        value.serialize(*self)
    }

    fn end(self) -> Walk {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Filter;

    #[test]
    fn what_is_no_number_is_refused_however_deep() {
        #[derive(Serialize)]
        enum Kind {
            Pair(f32, f64),
            Named { number: f64 },
        }
        let nan = f64::NAN;
        let error = json(&nan).unwrap_err();
        assert_eq!(error.to_string(), "a value is NaN or infinite: expected numbers that JSON can hold");
        assert!(json(&f64::INFINITY).is_err());
        assert!(json(&[Some(1.0), Some(nan)]).is_err());
        assert!(json(&std::collections::BTreeMap::from([("a", (1, nan))])).is_err());
        assert!(json(&Kind::Pair(f32::NEG_INFINITY, 1.0)).is_err());
        assert!(json(&Kind::Named { number: nan }).is_err());
        assert_eq!(json(&Kind::Pair(0.5, 1.0)).unwrap().as_str(), r#"{"Pair": [0.5, 1.0]}"#);
        assert_eq!(json(&None::<f64>).unwrap().as_str(), "null");
        // JSON is taken as it is.
        let exact = Json::parse(r#"{"a": [9007199254740993.10]}"#).unwrap();
        assert_eq!(json(&exact).unwrap(), exact);
        assert!(json(&std::collections::BTreeMap::from([((1, 2), 1)])).is_err());

        let path = || Filter::path(["a"]).unwrap();
        assert!(path().eq(nan).is_err());
        assert!(path().ne(nan).is_err());
        assert!(path().is_in([1.0, nan]).is_err());
        assert!(path().any([nan]).is_err());
        assert!(path().gte(f64::INFINITY).is_err());
        assert!(Filter::importance().gte(nan).is_err());
    }
}
