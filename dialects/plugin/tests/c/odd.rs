//! The plugin as others might have built it: of other versions, with tables of other lengths.

use polymnia::spi::Dialect as _;
use polymnia::{ErrorKind, OpenOptions};

use crate::library::Plugin;

/// Compiles the plugin, loads it and opens a database.
fn used(options: &[&str]) -> Result<(), polymnia::Error> {
    let engine = Plugin::compile(options).load()?.open(&OpenOptions::new("mem-c://odd"))?;
    engine.admin().ping(&polymnia::Call::at(polymnia::Timestamp::now()))
}

#[test]
fn a_newer_minor_version_works_with_what_is_known() {
    assert_eq!(Plugin::compile(&["-DPLUGIN_MINOR=7"]).dialect().abi_version(), (1, 7));
    used(&["-DPLUGIN_MINOR=7"]).unwrap();
}

#[test]
fn another_major_version_is_refused() {
    let error = Plugin::compile(&["-DPLUGIN_MAJOR=2"]).load().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plugin);
    assert!(error.message().contains('2') && error.message().contains('1'), "{error}");
}

#[test]
fn functions_that_are_not_there_are_unsupported() {
    for option in ["-DPLUGIN_OPEN=NULL", "-DPLUGIN_CALL=NULL"] {
        assert_eq!(used(&[option]).unwrap_err().kind(), ErrorKind::Unsupported, "{option}");
    }
}

#[test]
fn a_plugin_without_what_every_plugin_has_is_refused() {
    for option in [
        "-DPLUGIN_DESCRIBE=NULL",
        "-DPLUGIN_FREE=NULL",
        "-DPLUGIN_SIZE=offsetof(polymnia_plugin, call)",
        "-DPLUGIN_SIZE=sizeof(polymnia_prefix)",
        "-DPLUGIN_SIZE=3",
        "-DPLUGIN_SIZE=sizeof(polymnia_plugin) + 64",
    ] {
        let error = Plugin::compile(&[option]).load().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Plugin, "{option}: {error:?}");
    }
}
