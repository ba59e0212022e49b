//! Colours, where they are wanted.

use std::env;

use clap::builder::styling::{AnsiColor, Style};

/// Says whether the user wants colours at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColorChoice {
    /// On a terminal.
    Auto,
    Never,
}

impl ColorChoice {
    /// Returns the choice of the option `--no-color` and of the variables `NO_COLOR` (<https://no-color.org>) and `TERM`.
    pub(crate) fn new(no_color: bool) -> Self {
        let no_color = no_color
            || env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|value| value == "dumb");
        if no_color { Self::Never } else { Self::Auto }
    }
}

/// Colours texts for one stream, or leaves them as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// Returns the paint for a stream.
    pub(crate) fn new(choice: ColorChoice, terminal: bool) -> Self {
        Self { on: terminal && choice == ColorChoice::Auto }
    }

    /// Returns whether it colours.
    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    /// What stands back: names, notes.
    pub(crate) fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// What stands out: headings.
    pub(crate) fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// What is to be typed.
    pub(crate) fn command(self, text: &str) -> String {
        self.with(AnsiColor::Cyan.on_default(), text)
    }

    /// What went wrong.
    pub(crate) fn error(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    fn with(self, style: Style, text: &str) -> String {
        if self.on { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}
