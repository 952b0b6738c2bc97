//! headcount counts exactly how many different users a log of JSON frames holds per window.
pub mod limits;
pub mod scan;
pub mod verify;
