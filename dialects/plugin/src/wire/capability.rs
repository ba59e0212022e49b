//! What an engine can do.

use polymnia::{Capability, Support};

use super::record::{choice, read_fields, write_fields};
use super::{Fault, Read, Reader, Write, Writer};

impl Write for Capability {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        let Self {
            containment,
            containment_index,
            filters,
            declared_indexes,
            bulk_load,
            related_threads,
            related_threads_index,
            change_capture,
            interruption,
            concurrent_writers,
            ..
        } = self;
        write_fields!(writer {
            1 containment or default,
            2 containment_index or default,
            3 filters or default,
            4 declared_indexes or default,
            5 bulk_load or default,
            6 related_threads or default,
            7 related_threads_index or default,
            8 change_capture or default,
            9 interruption or default,
            10 concurrent_writers or default,
        });
        Ok(())
    }
}

impl Read for Capability {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        read_fields!(reader Capability {
            1 containment or default,
            2 containment_index or default,
            3 filters or default,
            4 declared_indexes or default,
            5 bulk_load or default,
            6 related_threads or default,
            7 related_threads_index or default,
            8 change_capture or default,
            9 interruption or default,
            10 concurrent_writers or default,
        });
        let mut capability = Self::none();
        capability.containment = containment;
        capability.containment_index = containment_index;
        capability.filters = filters;
        capability.declared_indexes = declared_indexes;
        capability.bulk_load = bulk_load;
        capability.related_threads = related_threads;
        capability.related_threads_index = related_threads_index;
        capability.change_capture = change_capture;
        capability.interruption = interruption;
        capability.concurrent_writers = concurrent_writers;
        Ok(capability)
    }
}

choice! { Support { 0 None, 1 Emulated, 2 Native } }
