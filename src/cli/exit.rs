//! Exit codes: what each kind of end means to a script.

use crate::fault::FaultKind;

/// Done.
pub const DONE: u8 = 0;
/// Findings, refused, or pending where asked.
pub const FINDINGS: u8 = 1;
/// Usage or configuration.
pub const USAGE: u8 = 2;
/// The database cannot be reached.
pub const UNREACHABLE: u8 = 3;
/// Stopped half-way; the ledger says where.
pub const HALF_WAY: u8 = 4;
/// Another runner holds the lock.
pub const BUSY: u8 = 5;
/// A bug in switchback.
pub const BUG: u8 = 70;

/// The exit code of a fault.
pub fn code(kind: FaultKind) -> u8 {
    match kind {
        FaultKind::Refused => FINDINGS,
        FaultKind::Usage | FaultKind::Io => USAGE,
        FaultKind::Unreachable => UNREACHABLE,
        FaultKind::HalfWay => HALF_WAY,
        FaultKind::Busy | FaultKind::Overtaken => BUSY,
        FaultKind::Bug => BUG,
    }
}
