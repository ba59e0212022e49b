//! Any lines, as import reads them.

use polymnia::{ErrorKind, MemoryId, Namespace, Record, RecordLine, Timestamp};

/// Reads each line. What is a memory must read back from the line that is written of it.
pub(crate) fn run(data: &[u8]) {
    let id = || MemoryId::from_bytes([0; 16]);
    for line in data.split(|&byte| byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let mut record = match Record::parse(line) {
            Ok(record) => record,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                if let Some(column) = error.context_value("column") {
                    let column: usize = column.parse().expect("a number");
                    assert!((1..=line.chars().count() + 1).contains(&column), "a column of the line");
                }
                continue;
            }
        };
        let namespace = record.namespace.take().unwrap_or_else(|| Namespace::new("fuzz").expect("a namespace"));
        let memory = record.into_memory(Timestamp::MIN, id);
        let written = serde_json::to_string(&RecordLine::new(&namespace, &memory)).expect("a memory has a line");
        let mut read = Record::parse(&written).expect("what is written is read");
        assert_eq!(read.namespace.take(), Some(namespace));
        assert_eq!(read.into_memory(Timestamp::MAX, id), memory);
    }
}
