//! Sets and maps.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fault, Read, Reader, Write, Writer};

/// A map whose keys are texts is a map.
impl<T: Write> Write for BTreeMap<String, T> {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.map(self.len());
        self.iter().try_for_each(|(key, value)| {
            key.write(writer)?;
            value.write(writer)
        })
    }
}

impl<T: Read> Read for BTreeMap<String, T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let len = reader.map()?;
        reader.reserve::<(String, T)>(len)?;
        let mut map = Self::new();
        for _ in 0..len {
            if map.insert(reader.read()?, reader.read()?).is_some() {
                return Err(reader.malformed("no second value of a key"));
            }
        }
        Ok(map)
    }
}

impl Write for BTreeSet<String> {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.list(self.len());
        self.iter().try_for_each(|item| item.write(writer))
    }
}

impl Read for BTreeSet<String> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let len = reader.list()?;
        reader.reserve::<String>(len)?;
        let mut set = Self::new();
        for _ in 0..len {
            if !set.insert(reader.read()?) {
                return Err(reader.malformed("no second item of the same"));
            }
        }
        Ok(set)
    }
}

/// Writes a map whose keys are no texts: a list of lists of two.
pub(super) fn write_pairs<K: Write, T: Write>(map: &BTreeMap<K, T>, writer: &mut Writer) -> Result<(), Fault> {
    writer.list(map.len());
    map.iter().try_for_each(|pair| pair.write(writer))
}

/// Reads a map whose keys are no texts.
pub(super) fn read_pairs<K: Read + Ord, T: Read>(reader: &mut Reader<'_>) -> Result<BTreeMap<K, T>, Fault> {
    let len = reader.list()?;
    reader.reserve::<(K, T)>(len)?;
    let mut map = BTreeMap::new();
    for _ in 0..len {
        let (key, value) = reader.read()?;
        if map.insert(key, value).is_some() {
            return Err(reader.malformed("no second value of a key"));
        }
    }
    Ok(map)
}
