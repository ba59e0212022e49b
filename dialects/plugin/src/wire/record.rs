//! How records and choices are written: one table each, from which both directions follow.

/// Makes a struct whose fields are all public a map with integer keys. A field with `or default` is left out where it has the
/// default of its type; the others must be there.
///
/// ```ignore
/// record! { TimeRange { 1 from or default, 2 until or default } }
/// ```
macro_rules! record {
    ($name:ident $(<$parameter:ident>)? { $($key:literal $field:ident $(or $default:ident)?),* $(,)? }) => {
        impl $(<$parameter: $crate::wire::Write>)? $crate::wire::Write for $name $(<$parameter>)? {
            fn write(&self, writer: &mut $crate::wire::Writer) -> Result<(), $crate::wire::Fault> {
                let Self { $($field),* } = self;
                $crate::wire::record::write_fields!(writer { $($key $field $(or $default)?),* });
                Ok(())
            }
        }

        impl $(<$parameter: $crate::wire::Read>)? $crate::wire::Read for $name $(<$parameter>)? {
            fn read(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::Fault> {
                $crate::wire::record::read_fields!(reader $name { $($key $field $(or $default)?),* });
                Ok(Self { $($field),* })
            }
        }
    };
}

/// Writes variables, which are references, as a map: for types that [`record`] can't take apart.
macro_rules! write_fields {
    ($writer:ident { $($key:literal $field:ident $(or $default:ident)?),* $(,)? }) => {
        let len = 0 $(+ usize::from($crate::wire::record::present!($field $($default)?)))*;
        $writer.map(len);
        $(
            if $crate::wire::record::present!($field $($default)?) {
                $writer.field($key, $field)?;
            }
        )*
    };
}

/// Reads a map into variables: for types that [`record`] can't put together.
macro_rules! read_fields {
    ($reader:ident $name:ident { $($key:literal $field:ident $(or $default:ident)?),* $(,)? }) => {
        $(let mut $field = None;)*
        for _ in 0..$reader.map()? {
            match $reader.unsigned()? {
                $($key if $field.is_none() => $field = Some($reader.read()?),)*
                $($key => return Err($reader.malformed(concat!("no second field ", stringify!($field)))),)*
                key => $reader.unknown(concat!("field of ", stringify!($name)), key)?,
            }
        }
        $(let $field = $crate::wire::record::take!($reader, $field $($default)?);)*
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

/// Makes an enum a number, or a list that begins with it where the variant has data. What has no number can't be written; a
/// number not known can't be read.
///
/// ```ignore
/// choice! { Expect { 0 Any, 1 Absent, 2 Revision(revision) } }
/// ```
macro_rules! choice {
    ($name:ident $(<$parameter:ident>)? { $($variants:tt)* }) => {
        impl $(<$parameter: $crate::wire::Write>)? $crate::wire::Write for $name $(<$parameter>)? {
            fn write(&self, writer: &mut $crate::wire::Writer) -> Result<(), $crate::wire::Fault> {
                $crate::wire::record::write_choice!(self writer $name { $($variants)* });
                Ok(())
            }
        }

        impl $(<$parameter: $crate::wire::Read>)? $crate::wire::Read for $name $(<$parameter>)? {
            fn read(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::Fault> {
                $crate::wire::record::read_choice!(reader $name { $($variants)* })
            }
        }
    };
}

/// Writes one of a choice.
macro_rules! write_choice {
    ($self:ident $writer:ident $name:ident { $(
        $number:literal $variant:ident $({ $($field:ident),* })? $(( $($item:ident),* ))?
    ),* $(,)? }) => {
        #[allow(unreachable_patterns, reason = "some enums may grow")]
        match $self {
            $(Self::$variant $({ $($field),* })? $(( $($item),* ))? => {
                $writer.choice($number, $crate::wire::record::count!($($($field)*)? $($($item)*)?));
                $($($crate::wire::Write::write($field, $writer)?;)*)?
                $($($crate::wire::Write::write($item, $writer)?;)*)?
            })*
            _ => return Err($crate::wire::Fault::Unknown { what: stringify!($name), number: u64::MAX }),
        }
    };
}

/// Reads one of a choice.
macro_rules! read_choice {
    ($reader:ident $name:ident { $(
        $number:literal $variant:ident $({ $($field:ident),* })? $(( $($item:ident),* ))?
    ),* $(,)? }) => {
        match $reader.choice()? {
            $(($number, items) => {
                if items != $crate::wire::record::count!($($($field)*)? $($($item)*)?) {
                    return Err($reader.malformed(concat!("the items of ", stringify!($name), "::", stringify!($variant))));
                }
                $($(let $field = $reader.read()?;)*)?
                $($(let $item = $reader.read()?;)*)?
                Ok(Self::$variant $({ $($field),* })? $(( $($item),* ))?)
            })*
            (number, _) => Err($crate::wire::Fault::Unknown { what: stringify!($name), number }),
        }
    };
}

/// Counts names.
macro_rules! count {
    ($($name:ident)*) => { <[&str]>::len(&[$(stringify!($name)),*]) };
}

/// Makes a text type a text.
macro_rules! text {
    ($($name:ident),*) => {$(
        impl $crate::wire::Write for $name {
            fn write(&self, writer: &mut $crate::wire::Writer) -> Result<(), $crate::wire::Fault> {
                writer.text(self.as_str());
                Ok(())
            }
        }

        impl $crate::wire::Read for $name {
            fn read(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::Fault> {
                Ok(Self::new(reader.text()?)?)
            }
        }
    )*};
}

pub(crate) use {choice, count, present, read_choice, read_fields, record, take, text, write_choice, write_fields};

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
