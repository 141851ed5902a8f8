//! The program: all of it is in the library, so that nothing is compiled twice.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: allocator::MiMalloc = allocator::MiMalloc;

fn main() -> ExitCode {
    guichet::command::main()
}
