//! Reading the command line, and what is printed when it can't be read.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};
use polymnia::ConnectionString;

use crate::args::Cli;
use crate::failure::Exit;
use crate::output::{ColorChoice, Paint, tell};

/// Reads the command line; prints help, the version, or what is wrong with it.
pub(crate) fn parse() -> Result<Cli, Exit> {
    let parsed = Cli::try_parse().and_then(|cli| {
        if given_plugins(env::args_os()) <= cli.global.plugins.len() {
            return Ok(cli);
        }
        // clap takes those behind the verb and drops the others.
        let message = "--plugin stands before the verb and behind it: write all of them on one side";
        Err(Cli::command().error(ErrorKind::ArgumentConflict, message))
    });
    parsed.map_err(|error| {
        let colors = ColorChoice::new(env::args_os().any(|argument| argument == "--no-color"));
        let to_stderr = error.use_stderr();
        let terminal = if to_stderr { io::stderr().is_terminal() } else { io::stdout().is_terminal() };
        let rendered = error.render();
        let text =
            if Paint::new(colors, terminal).is_on() { rendered.ansi().to_string() } else { rendered.to_string() };
        if to_stderr {
            tell(&redacted(text, env::args_os().map(|argument| argument.to_string_lossy().into_owned())));
            return Exit::Usage;
        }
        // A reader that went away wants no more help.
        let _ = io::stdout().lock().write_all(text.as_bytes());
        Exit::Ok
    })
}

/// Returns how often `--plugin` is given.
fn given_plugins(arguments: impl Iterator<Item = OsString>) -> usize {
    let options = arguments.take_while(|argument| argument != "--");
    options.filter(|option| option == "--plugin" || option.to_string_lossy().starts_with("--plugin=")).count()
}

/// clap repeats arguments that it can't place; a URL among them may hold a password.
fn redacted(mut text: String, arguments: impl Iterator<Item = String>) -> String {
    for argument in arguments {
        for part in [argument.as_str(), argument.split_once('=').map_or("", |(_, value)| value)] {
            let shown = ConnectionString::from(part).to_string();
            if shown != part {
                text = text.replace(part, &shown);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_counted_wherever_they_stand() {
        let line = ["polymnia", "--plugin", "a", "--plugin=b", "--plugin-path", "/c", "add", "--", "--plugin"];
        assert_eq!(given_plugins(line.into_iter().map(OsString::from)), 2);
    }

    #[test]
    fn misplaced_urls_show_no_password() {
        for line in [
            ["polymnia", "check", "postgres://ann:secret@h/d"],
            ["polymnia", "check", "--url=postgres://ann:secret@h/d"],
            ["polymnia", "--format=postgres://ann:secret@h/d", "check"],
            ["polymnia", "check", "host=h password=secret"],
        ] {
            let text = Cli::try_parse_from(line).unwrap_err().render().to_string();
            let text = redacted(text, line.into_iter().map(str::to_owned));
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
