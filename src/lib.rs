//! Switchback: reversible database migrations. Nothing goes up until its way down has been proven.
//!
//! The modules stand on floors; each imports only from the floors below it (`docs/architecture.md`, held by
//! `tests/tidy.rs`).

// Values: pure, no IO, no clock, no async.
pub mod blind;
mod body;
pub mod checkpoint;
pub mod class;
pub mod conditional;
pub mod data;
pub mod draft;
pub mod fault;
pub mod finding;
pub mod goal;
pub mod graph;
pub mod id;
pub mod inserts;
pub mod ledger;
pub mod lexer;
mod limits;
mod lines;
pub mod mask;
pub mod mend;
pub mod migration;
pub mod moves;
pub mod observed;
pub mod picture;
pub mod plan;
mod predicate;
pub mod price;
pub mod proof;
mod reach;
mod reading;
pub mod real;
pub mod registry;
pub mod rows;
pub mod saved;
pub mod sha;
pub mod snapshot;
mod split;
pub mod sql;
pub mod target;
pub mod token;
pub mod touch;
mod typed;
mod values;

// Families of pure rules.
pub mod check;
pub mod history;
pub mod layout;

// The outside world.
pub mod actor;
pub mod config;
pub mod context;
pub mod database;
pub mod engine;
pub mod event;
mod heartbeat;
pub mod lock;
pub mod locked;
pub mod points;
pub mod project;
pub mod revision;
pub mod shadow;
pub mod store;

// Acts: they print nothing, they tell events.
pub mod adopt;
mod ahead;
pub mod amendments;
pub mod apart;
pub mod apply;
pub mod back_out;
pub mod break_lock;
pub mod chain;
pub mod consistency;
pub mod cost;
pub mod drafting;
pub mod drift;
pub mod fill;
pub mod handover;
pub mod journalled;
pub mod judge;
pub mod mark;
pub mod planning;
pub mod pour;
pub mod pricing;
pub mod prove;
pub mod recover;
pub mod rehearse;
pub mod sample;
pub mod step;
pub mod tampering;
pub mod targets;
pub mod verify;
mod withhold;

// Words.
pub mod report;

// Hands.
pub mod cli;
