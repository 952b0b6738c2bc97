//! `headcount completions` and `headcount man`: what shells and man need, from the definitions.

use clap::{Command, CommandFactory};

use super::print;
use crate::cli::Cli;
use crate::error::{Error, ExitCode};

/// Completions for a shell.
pub fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "headcount", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// One man page for the program, then one for each subcommand.
pub fn man() -> Result<ExitCode, Error> {
    let mut pages = Vec::new();
    let mut root = Cli::command();
    root.build();
    render(&root, &mut pages).map_err(|e| Error::output("stdout", e))?;
    print(&String::from_utf8_lossy(&pages))
}

fn render(command: &Command, pages: &mut Vec<u8>) -> std::io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    clap_mangen::Man::new(command.clone()).title(name).render(pages)?;
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        render(inner, pages)?;
    }
    Ok(())
}
