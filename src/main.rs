//! Parse, configure, run, drain. The subcommands do the rest.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // awc panics without a crypto provider; a second installation would only say that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match symbl_bridge::cli::Cli::try_parse() {
        Ok(cli) => cli.run(),
        Err(error) => {
            // Help and version are answers, not mistakes. A closed terminal cannot be told either way.
            let _ = error.print();
            if error.use_stderr() { ExitCode::from(symbl_bridge::cli::EXIT_USAGE) } else { ExitCode::SUCCESS }
        }
    }
}
