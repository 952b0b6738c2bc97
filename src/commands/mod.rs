//! The subcommands, one short file each: arguments in, a result or an error out.
/// `headcount generate`: sample streams.
pub mod generate;
