//! What is in the file of a library, read before the system loads it: loading runs code of the library, and one that was cut
//! off ends the process.
//!
//! Read are headers and the table of exported names, whatever the size of the file.

use std::mem::size_of;
use std::path::Path;

use object::elf;
use object::read::elf::{FileHeader, ProgramHeader as _, SectionHeader as _, Sym as _};
use object::read::{FileKind, ReadRef};
use polymnia::Result;

use super::fault::unfit;
use crate::abi::{ABI_MAJOR, ENTRY};

/// What the names of entries of every major version begin with; the version follows.
const ENTRIES: &[u8] = b"polymnia_plugin_v";

/// Refuses what is no whole shared library of this system with an entry of ours, and returns how long the entry's table is in
/// bytes, where the file says so.
pub(super) fn check<'data, R: ReadRef<'data>>(path: &Path, data: R) -> Result<Option<u64>> {
    let kind = FileKind::parse(data).map_err(|_| unfit(path, "it is no shared library"))?;
    match kind {
        FileKind::Elf64 if cfg!(target_pointer_width = "64") => {
            check_elf::<elf::FileHeader64<object::Endianness>, R>(path, data)
        }
        FileKind::Elf32 if cfg!(target_pointer_width = "32") => {
            check_elf::<elf::FileHeader32<object::Endianness>, R>(path, data)
        }
        FileKind::Elf32 | FileKind::Elf64 => {
            Err(unfit(path, format!("it is for another machine: expected {MACHINE_NAME}")))
        }
        _ if cfg!(any(target_vendor = "apple", windows)) => foreign::check(path, data),
        _ => Err(unfit(path, format!("it is a library of another system: expected ELF for {MACHINE_NAME}"))),
    }
}

const MACHINE_NAME: &str = std::env::consts::ARCH;

/// What ELF calls this machine; none if it isn't told.
const MACHINE: Option<elf::Machine> = if cfg!(target_arch = "x86_64") {
    Some(elf::EM_X86_64)
} else if cfg!(target_arch = "aarch64") {
    Some(elf::EM_AARCH64)
} else if cfg!(target_arch = "x86") {
    Some(elf::EM_386)
} else if cfg!(target_arch = "arm") {
    Some(elf::EM_ARM)
} else if cfg!(target_arch = "riscv64") {
    Some(elf::EM_RISCV)
} else if cfg!(target_arch = "powerpc64") {
    Some(elf::EM_PPC64)
} else if cfg!(target_arch = "s390x") {
    Some(elf::EM_S390)
} else if cfg!(target_arch = "loongarch64") {
    Some(elf::EM_LOONGARCH)
} else {
    None
};

fn check_elf<'data, F, R>(path: &Path, data: R) -> Result<Option<u64>>
where
    F: FileHeader<Endian = object::Endianness>,
    R: ReadRef<'data>,
{
    let damaged = |error: object::read::Error| unfit(path, format!("it is cut off or damaged: {error}"));
    let header = F::parse(data).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    let is_other_machine = MACHINE.is_some_and(|machine| header.e_machine(endian) != machine);
    if is_other_machine || header.is_big_endian() != cfg!(target_endian = "big") {
        return Err(unfit(path, format!("it is for another machine: expected {MACHINE_NAME}")));
    }
    if header.e_type(endian) != elf::ET_DYN {
        return Err(unfit(path, "it is no shared library, though an ELF file"));
    }
    check_segments::<F, R>(path, data, header)?;
    let sections = header.section_headers(endian, data).map_err(damaged)?;
    let Some(table) = sections.iter().find(|section| section.sh_type(endian) == elf::SHT_DYNSYM) else {
        return Err(no_entry(path));
    };
    let symbols: &[F::Sym] = table.data_as_array(endian, data).map_err(damaged)?;
    let names =
        sections.get(table.link(endian).0).ok_or_else(|| unfit(path, "it is damaged: its names are missing"))?;
    // Read at once: one name after the other would be a system call each.
    let names = names.data(endian, data).map_err(damaged)?;
    let exported = symbols.iter().filter(|symbol| {
        symbol.st_shndx(endian) != elf::SHN_UNDEF && matches!(symbol.st_bind(), elf::STB_GLOBAL | elf::STB_WEAK)
    });
    let mut others = Vec::new();
    for symbol in exported {
        let Some(version) = names.get(symbol.st_name(endian) as usize..).and_then(version_of) else { continue };
        if version != ABI_MAJOR.to_string() {
            others.push(version);
            continue;
        }
        if !matches!(symbol.st_type(), elf::STT_OBJECT | elf::STT_NOTYPE) {
            return Err(unfit(path, format!("its {ENTRY} is no table: expected data, as the header of the ABI says")));
        }
        let size: u64 = symbol.st_size(endian).into();
        return Ok((size > 0).then_some(size));
    }
    Err(if others.is_empty() { no_entry(path) } else { other_major(path, others) })
}

/// Refuses a file in which a part is missing that the system would map. It would find out at the first access, by SIGBUS.
fn check_segments<'data, F, R>(path: &Path, data: R, header: &F) -> Result<()>
where
    F: FileHeader<Endian = object::Endianness>,
    R: ReadRef<'data>,
{
    let damaged = |error: object::read::Error| unfit(path, format!("it is cut off or damaged: {error}"));
    let endian = header.endian().map_err(damaged)?;
    let length = data.len().map_err(|()| unfit(path, "its length can't be told"))?;
    let mut loads = 0;
    let mut is_dynamic = false;
    for segment in header.program_headers(endian, data).map_err(damaged)? {
        let kind = segment.p_type(endian);
        if kind != elf::PT_LOAD && kind != elf::PT_DYNAMIC {
            continue;
        }
        let (offset, size) = segment.file_range(endian);
        let end = offset.checked_add(size).ok_or_else(|| unfit(path, "it is damaged: a segment has no end"))?;
        if end > length {
            let reason = format!("it is cut off: it has {length} bytes, and its segments go to {end}");
            return Err(unfit(path, reason));
        }
        if kind == elf::PT_LOAD && size > segment.p_memsz(endian).into() {
            return Err(unfit(path, "it is damaged: a segment is longer in the file than in memory"));
        }
        loads += u32::from(kind == elf::PT_LOAD);
        // An entry at least: what is empty is none.
        is_dynamic |= kind == elf::PT_DYNAMIC && size >= size_of::<F::Dyn>() as u64;
    }
    if loads == 0 || !is_dynamic {
        return Err(unfit(path, "it is no shared library: it has nothing to load"));
    }
    Ok(())
}

/// Returns the major version, as it is written, if a name that ends with NUL is that of an entry.
fn version_of(names: &[u8]) -> Option<&str> {
    let version = names.strip_prefix(ENTRIES)?;
    let end = version.iter().position(|byte| *byte == 0)?;
    digits(&version[..end])
}

fn digits(version: &[u8]) -> Option<&str> {
    let is_number = (1..=5).contains(&version.len()) && version.iter().all(u8::is_ascii_digit);
    if is_number { std::str::from_utf8(version).ok() } else { None }
}

#[cold]
fn no_entry(path: &Path) -> polymnia::Error {
    unfit(path, format!("it is a library, but no plugin: it exports no {ENTRY}"))
}

#[cold]
fn other_major(path: &Path, mut versions: Vec<&str>) -> polymnia::Error {
    versions.sort_unstable_by_key(|version| (version.len(), *version));
    let versions = versions.join(" and ");
    unfit(path, format!("it has version {versions} of the ABI: expected {ABI_MAJOR}"))
        .with_hint("use a plugin and a program that were built for the same major version")
}

/// Libraries of systems without ELF.
mod foreign {
    use std::path::Path;

    use object::read::{File, NameOrOrdinal, Object as _, ReadRef};
    use polymnia::Result;

    use super::{ENTRIES, digits, no_entry, other_major, unfit};
    use crate::abi::ENTRY;

    /// Looks at exported names. What else may be wrong with such a file, the system's loader says.
    pub(super) fn check<'data, R: ReadRef<'data>>(path: &Path, data: R) -> Result<Option<u64>> {
        // One file for several machines: the loader picks.
        let Ok(file) = File::parse(data) else { return Ok(None) };
        let damaged = |error| unfit(path, format!("it is cut off or damaged: {error}"));
        let mut names = Vec::new();
        for export in file.exports().map_err(damaged)? {
            if let NameOrOrdinal::Name(name) = export.map_err(damaged)?.into_name() {
                names.push(name.into_owned());
            }
        }
        let mut others = Vec::new();
        for name in &names {
            let name = name.strip_prefix(b"_").unwrap_or(name);
            match name.strip_prefix(ENTRIES).and_then(digits) {
                Some(_) if name == ENTRY.as_bytes() => return Ok(None),
                Some(version) => others.push(version),
                None => {}
            }
        }
        Err(if others.is_empty() { no_entry(path) } else { other_major(path, others) })
    }
}
