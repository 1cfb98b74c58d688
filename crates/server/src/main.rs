//! The `strowger` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    strowger_server::command::main()
}
