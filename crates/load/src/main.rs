//! See `strowger_load`.

use std::io::{stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    strowger_load::run(std::env::args_os(), &mut stdout(), &mut stderr()).into()
}
