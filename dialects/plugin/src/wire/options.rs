//! How a database is opened.

use polymnia::{ConnectionString, OpenOptions, PoolOptions};

use super::record::{read_fields, record, write_fields};
use super::{Fault, Read, Reader, Write, Writer};

/// Migrating when a database is opened, and the migrations of applications, are the host's own affair, so neither is here.
impl Write for OpenOptions {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        let Self { pool, statement_timeout, connect_timeout, .. } = self;
        let url = self.url();
        write_fields!(writer { 1 url, 2 pool or default, 3 statement_timeout or default, 4 connect_timeout or default });
        Ok(())
    }
}

impl Read for OpenOptions {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        read_fields!(reader OpenOptions {
            1 url,
            2 pool or default,
            3 statement_timeout or default,
            4 connect_timeout or default,
        });
        let url: ConnectionString = url;
        let mut options = Self::new(url).with_pool(pool);
        options.statement_timeout = statement_timeout;
        options.connect_timeout = connect_timeout;
        Ok(options)
    }
}

record! {
    PoolOptions {
        1 max_size or default,
        2 min_idle or default,
        3 acquire_timeout or default,
        4 idle_timeout or default,
        5 max_lifetime or default,
    }
}

impl Write for ConnectionString {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.text(self.expose());
        Ok(())
    }
}

impl Read for ConnectionString {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.text().map(Self::new)
    }
}
