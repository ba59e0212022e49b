//! Exporting a dialect.
//!
//! An author writes a crate of the type `cdylib` with one line, [`export_dialect!`](crate::export_dialect), that makes the
//! table which a host looks for. `shim` has its functions, `serve` what they do; `engine`, `admin`, `schema`, `session`,
//! `cursor` and `dialect` pass each operation to the dialect; `handles` is what is open; `raw` and `callback` are what stands
//! between pointers and all that.

#![deny(unsafe_code)]

mod admin;
mod ask;
#[allow(unsafe_code)]
mod callback;
mod cursor;
mod dialect;
mod engine;
mod export;
mod handles;
mod log;
mod panic;
#[allow(unsafe_code)]
mod raw;
mod schema;
mod serve;
mod session;
#[allow(unsafe_code)]
mod shim;
#[cfg(test)]
mod tests;

pub use export::{Export, Exported, Home};

use crate::abi::{Plugin, Prefix};
#[doc(inline)]
pub use crate::plugin_table as table;

/// Returns the table of an exported dialect.
pub const fn table_of<E: Export>() -> Plugin {
    Plugin {
        prefix: Prefix::of::<Plugin>(),
        describe: Some(shim::describe::<E>),
        open: Some(shim::open::<E>),
        call: Some(shim::call::<E>),
        close: Some(shim::close::<E>),
        free: Some(shim::free),
    }
}

/// Exports a dialect: makes a library, of the crate type `cdylib`, a plugin.
///
/// The dialect is any expression whose type implements [`Dialect`](polymnia::spi::Dialect); it is evaluated when a host first
/// asks. The plugin's version is that of the crate.
///
/// Records of `log` go to the host. A panic in the dialect is an error in the host, which uses the plugin no more; built with
/// `panic = "abort"` it would be the end of the host's process, so that does not compile.
///
/// # Examples
///
/// ```
/// use polymnia_sqlite::Sqlite;
///
/// polymnia_plugin::export_dialect!(Sqlite);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_dialect {
    ($dialect:expr) => {
        #[cfg(panic = "abort")]
        ::core::compile_error!(
            "a plugin built with panic = \"abort\" would end the process of its host: expected panic = \"unwind\""
        );

        /// The table of this plugin, by the name that hosts look for.
        #[allow(non_upper_case_globals)]
        #[unsafe(no_mangle)]
        pub static polymnia_plugin_v1: $crate::abi::Plugin = $crate::__table!($dialect, Library);
    };
}

/// Makes the table of a dialect within this program, as a `&'static` [`Plugin`]: for tests of a host, without a library.
///
/// Each place in the source where it stands is a plugin of its own.
///
/// # Examples
///
/// ```
/// use polymnia_sqlite::Sqlite;
///
/// let table = polymnia_plugin::guest::table!(Sqlite);
/// assert_eq!(table.prefix.major, polymnia_plugin::abi::ABI_MAJOR);
/// ```
#[macro_export]
macro_rules! plugin_table {
    ($dialect:expr) => {{
        static TABLE: $crate::abi::Plugin = $crate::__table!($dialect, Program);
        &TABLE
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __table {
    ($dialect:expr, $home:ident) => {{
        #[derive(Debug)]
        enum This {}

        impl $crate::guest::Export for This {
            fn exported() -> &'static $crate::guest::Exported {
                static EXPORTED: $crate::guest::Exported = $crate::guest::Exported::new(
                    || ::std::boxed::Box::new($dialect),
                    ::core::env!("CARGO_PKG_VERSION"),
                    $crate::guest::Home::$home,
                );
                &EXPORTED
            }
        }

        $crate::guest::table_of::<This>()
    }};
}
