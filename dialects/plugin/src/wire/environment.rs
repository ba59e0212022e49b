//! Lengths of time, and paths.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Fault, Read, Reader, Write, Writer};

/// Nanoseconds, or, past the range of such a number, a list of seconds and nanoseconds.
impl Write for Duration {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        match u64::try_from(self.as_nanos()) {
            Ok(nanos) => nanos.write(writer),
            Err(_) => (self.as_secs(), self.subsec_nanos()).write(writer),
        }
    }
}

impl Read for Duration {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        if !reader.at_list()? {
            return reader.unsigned().map(Self::from_nanos);
        }
        match reader.read()? {
            (seconds, nanos @ ..=999_999_999) => Ok(Self::new(seconds, nanos)),
            (_, _) => Err(reader.malformed("less than a second of nanoseconds")),
        }
    }
}

/// Bytes, for on Unix a path is nothing else. Elsewhere they are UTF-8.
impl Write for Path {
    #[cfg(unix)]
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        use std::os::unix::ffi::OsStrExt;
        writer.bytes(self.as_os_str().as_bytes());
        Ok(())
    }

    #[cfg(not(unix))]
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        let text = self.to_str().ok_or_else(|| polymnia::Error::invalid_input("a path is not Unicode"))?;
        writer.bytes(text.as_bytes());
        Ok(())
    }
}

impl Write for PathBuf {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        self.as_path().write(writer)
    }
}

impl Read for PathBuf {
    #[cfg(unix)]
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        use std::os::unix::ffi::OsStrExt;
        reader.bytes().map(|bytes| Self::from(std::ffi::OsStr::from_bytes(bytes)))
    }

    #[cfg(not(unix))]
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let bytes = reader.bytes()?;
        std::str::from_utf8(bytes).map(Self::from).map_err(|_| reader.malformed("a path in UTF-8"))
    }
}
