//! How records and choices are written: one table each, from which both directions follow.

/// Makes a struct whose fields are all public a map with integer keys. A field with `or default` is left out where it has the
/// default of its type; the others must be there.
///
/// ```ignore
/// record! { TimeRange { 1 from or default, 2 until or default } }
/// ```
macro_rules! record {
    ($name:ident { $($key:literal $field:ident $(or $default:ident)?),* $(,)? }) => {
        impl $crate::wire::Write for $name {
            fn write(&self, writer: &mut $crate::wire::Writer) -> Result<(), $crate::wire::Fault> {
                let Self { $($field),* } = self;
                let len = 0 $(+ usize::from($crate::wire::record::present!($field $($default)?)))*;
                writer.map(len);
                $(
                    if $crate::wire::record::present!($field $($default)?) {
                        writer.field($key, $field)?;
                    }
                )*
                Ok(())
            }
        }

        impl $crate::wire::Read for $name {
            fn read(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::Fault> {
                $(let mut $field = None;)*
                for _ in 0..reader.map()? {
                    match reader.unsigned()? {
                        $($key if $field.is_none() => $field = Some(reader.read()?),)*
                        $($key => return Err(reader.malformed(concat!("no second field ", stringify!($field)))),)*
                        key => reader.unknown(concat!("field of ", stringify!($name)), key)?,
                    }
                }
                Ok(Self {
                    $($field: $crate::wire::record::take!(reader, $field $($default)?),)*
                })
            }
        }
    };
}

/// Tells whether a field is written.
macro_rules! present {
    ($field:ident default) => {
        !$crate::wire::record::is_default($field)
    };
    ($field:ident) => {
        true
    };
}

/// Takes a field that was read, or not.
macro_rules! take {
    ($reader:ident, $field:ident default) => {
        $field.unwrap_or_default()
    };
    ($reader:ident, $field:ident) => {
        $field.ok_or_else(|| $reader.malformed(concat!("a field ", stringify!($field))))?
    };
}

/// Makes an enum without data a number. What has no number can't be written; a number not known can't be read.
///
/// ```ignore
/// code! { Direction { 0 Ascending, 1 Descending } }
/// ```
macro_rules! code {
    ($name:ident { $($number:literal $variant:ident),* $(,)? }) => {
        impl $crate::wire::Write for $name {
            fn write(&self, writer: &mut $crate::wire::Writer) -> Result<(), $crate::wire::Fault> {
                #[allow(unreachable_patterns, reason = "some enums may grow")]
                let number = match self {
                    $(Self::$variant => $number,)*
                    _ => return Err($crate::wire::Fault::Unknown { what: stringify!($name), number: u64::MAX }),
                };
                writer.unsigned(number);
                Ok(())
            }
        }

        impl $crate::wire::Read for $name {
            fn read(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::Fault> {
                match reader.unsigned()? {
                    $($number => Ok(Self::$variant),)*
                    number => Err($crate::wire::Fault::Unknown { what: stringify!($name), number }),
                }
            }
        }
    };
}

pub(crate) use {code, present, record, take};

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
