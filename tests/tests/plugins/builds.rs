//! Plugins of other builds of the project and of other versions of the ABI, and files that are no plugins.

use std::path::{Path, PathBuf};
use std::process::Command;

use polymnia::spi::Dialect as _;
use polymnia::{ErrorKind, OpenOptions, Registry, Result};
use polymnia_conformance::runner::{self, CaseResult, Verdict};
use polymnia_conformance::suite::{CASES, Case, Need};
use polymnia_conformance::{Database, ScratchDatabase};
use polymnia_plugin::abi::{ABI_MAJOR, ABI_MINOR};
use polymnia_plugin::host::{LoadOptions, PluginDialect, RegistryExt as _};
use polymnia_tests::cargo;
use polymnia_tests::plugins::Plugin;

/// Another profile, and features of `serde_json` that change what it makes of numbers and objects.
#[test]
fn another_build_passes_the_suite() {
    let built = cargo::build_otherwise(&["--package", "polymnia-test-plugin", "--lib", "--features", "other"]);
    let dialect = load(&built["polymnia_test_plugin"]);
    let results = judge(dialect, |case| !case.needs.contains(&Need::Interruption));
    assert!(results.len() > 200, "{} cases", results.len());
}

#[test]
fn a_newer_minor_version_is_used_as_far_as_it_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let dialect = load(&with_a_table(folder.path(), "table->minor += 7; table->size += sizeof table->later;"));
    assert_eq!(dialect.abi_version(), (ABI_MAJOR, ABI_MINOR + 7));
    judge(dialect, |case| ["put", "batch", "schema"].contains(&case.theme));
}

#[test]
fn a_table_that_ends_before_what_is_always_needed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = load_any(&with_a_table(folder.path(), "table->size -= 2 * sizeof(void *);")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plugin, "{error:?}");
    assert!(error.message().contains("close"), "{error:?}");
}

#[test]
fn another_major_version_is_refused_with_both_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let next = ABI_MAJOR + 1;
    let source = folder.path().join("next.c");
    std::fs::write(&source, format!("const char polymnia_plugin_v{next}[64] = \"POLYMNIA\";\n")).unwrap();
    for library in [compile(&source), with_a_table(folder.path(), "table->major += 1;")] {
        let error = load_any(&library).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Plugin, "{error:?}");
        let message = error.message();
        assert!([ABI_MAJOR, next].iter().all(|number| message.contains(&number.to_string())), "{message}");
    }
}

#[test]
fn files_that_are_no_plugins_are_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let whole = std::fs::read(Plugin::Test.library()).unwrap();
    let files = [
        file("empty.so", b""),
        file("text.so", b"no library at all\n"),
        file("truncated.so", &whole[..whole.len() / 2]),
        file("beginning.so", &whole[..4_096]),
        folder.path().to_owned(),
        folder.path().join("absent.so"),
        system_library(),
    ];
    for path in files {
        let error = Registry::new().with_plugin(&path).map(drop).unwrap_err();
        let kinds = [ErrorKind::Plugin, ErrorKind::NotFound, ErrorKind::PermissionDenied];
        assert!(kinds.contains(&error.kind()), "{}: {error:?}", path.display());
        let by_name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(error.to_string().contains(&by_name), "{}: {error}", path.display());
    }
}

/// Runs the cases on scratch databases of a dialect that opens `oracle:`, and fails with what fails.
#[track_caller]
fn judge(dialect: PluginDialect, choose: impl Fn(&Case) -> bool) -> Vec<CaseResult> {
    let options = OpenOptions::new("oracle:");
    let base = dialect.open(&options).unwrap();
    let fresh = || Ok(Box::new(ScratchDatabase::new(&*base, &options)?) as Box<dyn Database>);
    let results = runner::run(CASES.iter().filter(|case| choose(case)), fresh, |_| ()).unwrap();
    let failed = results.iter().filter(|result| matches!(result.verdict, Verdict::Failed { .. })).collect::<Vec<_>>();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(!results.is_empty());
    results
}

#[track_caller]
fn load(library: &Path) -> PluginDialect {
    load_any(library).unwrap()
}

fn load_any(library: &Path) -> Result<PluginDialect> {
    PluginDialect::load_with(library, &LoadOptions::default().with_allow_insecure(true))
}

/// Makes a library whose table is that of the test plugin with a change to it, in C.
fn with_a_table(folder: &Path, change: &str) -> PathBuf {
    let inner = folder.join("inner.so");
    std::fs::copy(Plugin::Test.library(), &inner).unwrap();
    let source = folder.join("outer.c");
    let text = format!(
        r#"
        #include <dlfcn.h>
        #include <stdint.h>
        #include <string.h>
        struct table {{
            char magic[8];
            uint16_t major, minor;
            uint32_t size;
            void *functions[5];
            void *later[4];
        }} polymnia_plugin_v1;
        __attribute__((constructor)) static void fill(void) {{
            struct table *table = &polymnia_plugin_v1;
            struct table *inner = dlsym(dlopen("{}", RTLD_NOW), "polymnia_plugin_v1");
            memcpy(&polymnia_plugin_v1, inner, inner->size);
            {change}
        }}
        "#,
        inner.display()
    );
    std::fs::write(&source, text).unwrap();
    compile(&source)
}

fn compile(source: &Path) -> PathBuf {
    let library = source.with_extension("so");
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    assert!(status.unwrap().success(), "{} does not compile", source.display());
    library
}

/// Returns a library that this process has loaded and that is no plugin.
fn system_library() -> PathBuf {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let path = maps.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| path.contains("libc."));
    PathBuf::from(path.expect("the C library is a shared one"))
}
