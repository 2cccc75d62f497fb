//! Shadows of SQLite: databases in this process's memory, shared by name between its sessions.
//!
//! Nothing is on disk, so nothing can be left behind; and nothing but this process can reach one.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{LazyLock, Mutex, PoisonError};

use super::raw::Keeper;
use crate::engine::Site;
use crate::fault::{Fault, FaultKind, Result};
use crate::target::Target;

/// Every shadow's name begins so.
const MARKER: &str = "switchback-shadow-";

/// What keeps each shadow alive between its sessions, by name.
static KEPT: LazyLock<Mutex<HashMap<String, Keeper>>> = LazyLock::new(Mutex::default);

/// Makes an empty shadow.
pub(super) fn create() -> Result<Site> {
    // Keys of a RandomState are random: as good a nonce as any, with no crate for it.
    let name = format!("{MARKER}{:016x}-{}", RandomState::new().build_hasher().finish(), std::process::id());
    let database = uri(&name);
    let keeper = Keeper::open(&database)
        .ok_or_else(|| Fault::new(FaultKind::Unreachable, "a shadow in memory could not be made"))?;
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), keeper);
    let target = Target { scheme: String::from("sqlite"), database, ..Target::default() };
    Ok(Site { target, name })
}

/// Lets a shadow go; its memory is freed with its last session.
pub(super) fn remove(site: &Site) {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).remove(&site.name);
}

/// Whether a target's database is a shadow.
pub(super) fn is_one(database: &str) -> bool {
    database.starts_with(&format!("file:/{MARKER}")) && database.ends_with("?vfs=memdb")
}

/// A name with a slash is shared within the process.
fn uri(name: &str) -> String {
    format!("file:/{name}?vfs=memdb")
}
