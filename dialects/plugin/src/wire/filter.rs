//! Filters: the text of their JSON form, which is documented with [`Filter::parse`] and strict by itself.

use polymnia::{Filter, Path, filter::Step};

use super::{Fault, Read, Reader, Write, Writer};
use crate::abi::{FEATURE_CONTAINMENT, FEATURE_FILTERS};

impl Write for Filter {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.need(needs(self)?);
        writer.text(self.to_json().as_str());
        Ok(())
    }
}

impl Read for Filter {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self::parse(reader.text()?)?)
    }
}

/// Returns the features that whoever answers this must know.
fn needs(filter: &Filter) -> Result<u64, Fault> {
    let mut needs = 0;
    // A list of what is left instead of recursion: nobody has checked its depth here.
    let mut left = vec![filter];
    while let Some(filter) = left.pop() {
        match filter {
            Filter::All => {}
            Filter::Contains(_) => needs |= FEATURE_CONTAINMENT,
            Filter::Metadata { .. } | Filter::Field(_) => needs |= FEATURE_FILTERS,
            Filter::And(filters) | Filter::Or(filters) => {
                needs |= FEATURE_FILTERS;
                left.extend(filters);
            }
            Filter::Not(inner) => {
                needs |= FEATURE_FILTERS;
                left.push(inner);
            }
            _ => return Err(Fault::Unknown { what: "kind of filter", number: u64::MAX }),
        }
    }
    Ok(needs)
}

impl Write for Path {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        self.steps().write(writer)
    }
}

impl Read for Path {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let steps: Vec<Step> = reader.read()?;
        Ok(Self::new(steps)?)
    }
}

impl Write for Step {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        match self {
            Self::Key(key) => key.write(writer),
            Self::Index(index) => index.write(writer),
        }
    }
}

impl Read for Step {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        if reader.at_text()? { reader.read().map(Self::Key) } else { reader.read().map(Self::Index) }
    }
}
