//! headcount counts exactly how many different users a log of JSON frames holds per window.
pub mod commands;
pub mod generate;
pub mod limits;
pub mod ring;
