//! The definition of right: what the fast parts must equal, short, slow, and made of other parts.
//!
//! Tests use it, and `headcount verify`. It shares types with what it checks, and no code.

pub mod borders;
pub mod lines;
pub mod naive;
pub mod oracle;
pub mod reference_clock;
pub mod replay;
pub mod rules;
