//! A library that the system has loaded: its table.
//!
//! Nothing here is ever unloaded: threads, and what the library registered with the system, would be left without their code.

use std::mem::offset_of;
use std::path::Path;

use polymnia::Result;

use super::fault::unfit;
use crate::abi::{ABI_MAJOR, ENTRY, MAGIC, Plugin, Prefix};

/// Is the table of a library.
#[derive(Debug)]
pub(super) struct Table {
    /// Where the library has it.
    pub(super) address: usize,
    /// Its functions: none where its table ends before.
    pub(super) functions: Plugin,
}

/// Loads a library and reads its table. `path` is what messages call it, `size` how long the table is as the file says.
pub(super) fn load(path: &Path, from: &Path, size: Option<u64>) -> Result<Table> {
    let table = symbol(path, from)?;
    // SAFETY: the symbol is data of the library, which stays loaded; `size` is how much there is of it.
    unsafe { read(path, table, size) }
}

/// Loads a library for good and finds its entry.
fn symbol(path: &Path, from: &Path) -> Result<*const Plugin> {
    #[cfg(unix)]
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    #[cfg(windows)]
    use libloading::os::windows::Library;

    // Everything is bound now, so that what is missing shows now; nothing is shared, so that two plugins may bring a copy
    // each of the same C library.
    // SAFETY: the file was found to be a plugin that the user trusts. What it does when it is loaded is its affair.
    #[cfg(unix)]
    let library = unsafe { Library::open(Some(from), RTLD_NOW | RTLD_LOCAL) };
    // SAFETY: as above.
    #[cfg(windows)]
    let library = unsafe { Library::new(from) };
    let library = library
        .map_err(|error| unfit(path, format!("the system can't load it: {}", told(&error))).with_source(error))?;
    // SAFETY: the entry of this name is a table, by the rules of the ABI; it is read as no more than an address.
    let found = unsafe { library.get::<*const Plugin>(ENTRY.as_bytes()) };
    let table = found.map(|symbol| *symbol);
    let table = table.map_err(|error| unfit(path, format!("it exports no {ENTRY}")).with_source(error));
    // Also when the entry is missing: its code has run.
    std::mem::forget(library);
    table
}

/// Says what the system's loader said, without the path, which stands before.
fn told(error: &libloading::Error) -> String {
    let text = match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    };
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}

/// Reads a table: its prefix first, and of the rest as much as that says there is.
///
/// # Safety
///
/// At `table` are `symbol_size` bytes that don't change, or if that isn't known, a table by the rules of the ABI.
unsafe fn read(path: &Path, table: *const Plugin, symbol_size: Option<u64>) -> Result<Table> {
    let nonsense = |reason: String| unfit(path, format!("its table is no plugin's: {reason}"));
    if table.is_null() || !table.is_aligned() {
        return Err(nonsense("its address is none".to_owned()));
    }
    if symbol_size.is_some_and(|size| size < size_of::<Prefix>() as u64) {
        return Err(nonsense(format!("it is shorter than its prefix of {} bytes", size_of::<Prefix>())));
    }
    // SAFETY: a prefix is there, by the check above or by the rules of the ABI, and the address is aligned.
    let prefix = unsafe { table.cast::<Prefix>().read() };
    let Prefix { magic, major, minor: _, size } = prefix;
    if magic != MAGIC {
        return Err(nonsense("it doesn't begin with the word that every table begins with".to_owned()));
    }
    if major != ABI_MAJOR {
        return Err(unfit(path, format!("it has version {major} of the ABI: expected {ABI_MAJOR}"))
            .with_hint("use a plugin and a program that were built for the same major version"));
    }
    if (size as usize) < size_of::<Prefix>() {
        return Err(nonsense(format!("it says it is {size} bytes long, less than its prefix")));
    }
    if symbol_size.is_some_and(|symbol| symbol < u64::from(size)) {
        return Err(nonsense(format!("it says it is {size} bytes long, more than there are")));
    }
    macro_rules! field {
        ($name:ident) => {{
            let end = offset_of!(Plugin, $name) + size_of_field(|plugin: &Plugin| &plugin.$name);
            if end <= size as usize {
                // SAFETY: the table reaches to the end of this field; it is aligned as the table is. A function that is not
                // there is null, and any other value is the plugin's promise that there is one.
                unsafe { (&raw const (*table).$name).read() }
            } else {
                None
            }
        }};
    }
    let functions = Plugin {
        prefix,
        describe: field!(describe),
        open: field!(open),
        call: field!(call),
        close: field!(close),
        free: field!(free),
    };
    // Without these nothing can be asked, or what it gives can't be given back. What else is missing is not supported.
    let needed = [
        ("describe", functions.describe.is_some()),
        ("close", functions.close.is_some()),
        ("free", functions.free.is_some()),
    ];
    if let Some((name, _)) = needed.iter().find(|(_, is_there)| !is_there) {
        return Err(nonsense(format!("it has no function {name}")));
    }
    Ok(Table { address: table as usize, functions })
}

fn size_of_field<T, F>(_: impl Fn(&T) -> &F) -> usize {
    size_of::<F>()
}
