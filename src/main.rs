//! Parse, configure, run, drain. The subcommands do the rest.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // awc panics without a crypto provider; a second installation would only say that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    symbl_bridge::cli::Cli::parse().run()
}
