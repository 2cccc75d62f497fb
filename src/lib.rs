//! Switchback: reversible database migrations. Nothing goes up until its way down has been proven.
//!
//! The modules stand on floors; each imports only from the floors below it (`docs/architecture.md`, held by
//! `tests/tidy.rs`).

// Values: pure, no IO, no clock, no async.
mod body;
pub mod class;
pub mod fault;
pub mod finding;
pub mod id;
pub mod lexer;
mod reach;
mod reading;
pub mod sha;
mod split;
pub mod sql;
pub mod token;
