//! Items that everything else is made of.

use super::{Fault, Read, Reader, Write, Writer};

/// Makes integers numbers, within their range.
macro_rules! unsigned {
    ($($name:ty),*) => {$(
        impl Write for $name {
            fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
                writer.unsigned(u64::try_from(*self).expect("no type here is wider"));
                Ok(())
            }
        }

        impl Read for $name {
            fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
                reader.unsigned()?.try_into().map_err(|_| reader.malformed(concat!("a number in the range of ", stringify!($name))))
            }
        }
    )*};
}

unsigned!(u32, u64, usize);

impl Write for i64 {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.signed(*self);
        Ok(())
    }
}

impl Read for i64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.signed()
    }
}

impl Write for bool {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.boolean(*self);
        Ok(())
    }
}

impl Read for bool {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.boolean()
    }
}

impl Write for str {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.text(self);
        Ok(())
    }
}

impl Write for String {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.text(self);
        Ok(())
    }
}

impl Read for String {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.text().map(str::to_owned)
    }
}

impl<T: Write + ?Sized> Write for &T {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        (**self).write(writer)
    }
}

impl<T: Write + ?Sized> Write for Box<T> {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        (**self).write(writer)
    }
}

impl<T: Read> Read for Box<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.read().map(Self::new)
    }
}

impl<T: Write> Write for Option<T> {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        if let Some(item) = self {
            return item.write(writer);
        }
        writer.null();
        Ok(())
    }
}

impl<T: Read> Read for Option<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        if reader.null()? { Ok(None) } else { reader.read().map(Some) }
    }
}

impl<T: Write> Write for [T] {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.list(self.len());
        self.iter().try_for_each(|item| item.write(writer))
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        self.as_slice().write(writer)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let len = reader.list()?;
        reader.reserve::<T>(len)?;
        let mut items = Self::with_capacity(len);
        for _ in 0..len {
            items.push(reader.read()?);
        }
        Ok(items)
    }
}

/// Makes tuples lists of their length.
macro_rules! tuple {
    ($len:literal $($name:ident $at:tt)*) => {
        impl<$($name: Write),*> Write for ($($name,)*) {
            fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
                writer.list($len);
                $(self.$at.write(writer)?;)*
                Ok(())
            }
        }

        impl<$($name: Read),*> Read for ($($name,)*) {
            fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
                if reader.list()? != $len {
                    return Err(reader.malformed(concat!("a list of ", $len)));
                }
                Ok(($(reader.read::<$name>()?,)*))
            }
        }
    };
}

tuple!(1 A 0);
tuple!(2 A 0 B 1);
tuple!(3 A 0 B 1 C 2);

/// Nothing is no bytes at all.
impl Write for () {
    fn write(&self, _: &mut Writer) -> Result<(), Fault> {
        Ok(())
    }
}

impl Read for () {
    fn read(_: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(())
    }
}
