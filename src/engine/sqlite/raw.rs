//! The few things that need SQLite's own C interface: state of the connection, interrupting, our functions, the authorizer.
//!
//! All unsafe code of the engine is in this file. A connection is opened in serialized mode, so that these calls may come from
//! any thread while sqlx's worker owns the statements; and none comes after the connection was given up ([`Handle::forget`]).

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use libsqlite3_sys::*;
use sha2::{Digest, Sha256};

use super::ddl;

/// The connection's own handle, shared between a session and its cancellers.
pub(super) struct Handle {
    db: Mutex<Option<NonNull<sqlite3>>>,
    /// How long a statement of a script may run, in milliseconds; 0 is without limit. Set by `switchback_limits`.
    pub statement_timeout_ms: Arc<AtomicU64>,
}

// SAFETY: the pointer is used under the mutex only, and SQLite's serialized mode allows calls from any thread.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    pub fn new(db: NonNull<sqlite3>) -> Self {
        Handle { db: Mutex::new(Some(db)), statement_timeout_ms: Arc::default() }
    }

    fn with<T>(&self, call: impl FnOnce(*mut sqlite3) -> T) -> Option<T> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner).map(|db| call(db.as_ptr()))
    }

    /// After this no call reaches the connection, which may then be closed.
    pub fn forget(&self) {
        *self.db.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether a transaction is open.
    pub fn is_in_transaction(&self) -> bool {
        // SAFETY: the handle is open.
        self.with(|db| unsafe { sqlite3_get_autocommit(db) } == 0).unwrap_or(false)
    }

    /// Rows changed since the connection was opened, by whatever.
    pub fn total_changes(&self) -> i64 {
        // SAFETY: the handle is open.
        self.with(|db| unsafe { sqlite3_total_changes64(db) }).unwrap_or(0)
    }

    /// Byte of the last failed statement at which it failed, where SQLite knows.
    pub fn error_offset(&self) -> Option<usize> {
        // SAFETY: the handle is open.
        self.with(|db| unsafe { sqlite3_error_offset(db) }).and_then(|at| usize::try_from(at).ok())
    }

    /// Stops whatever runs now; nothing happens where nothing runs.
    pub fn interrupt(&self) {
        // SAFETY: the handle is open, and interrupting is allowed from any thread.
        self.with(|db| unsafe { sqlite3_interrupt(db) });
    }

    /// Adds our functions: `switchback_limits`, `switchback_checks`, `switchback_hash`, `switchback_rows`, `switchback_column`.
    /// They cannot be called from views or triggers, so no schema can come to need them.
    pub fn add_functions(&self) -> bool {
        let timeout = Arc::clone(&self.statement_timeout_ms);
        self.with(|db| {
            let scalar = |name, count, call| add(db, name, count, ptr::null_mut(), Some(call), None, None);
            let aggregate =
                |name, count, last| add(db, name, count, ptr::null_mut(), None, Some(hash_step), Some(last));
            let timeout = Arc::into_raw(timeout).cast_mut().cast();
            add(db, c"switchback_limits", 2, timeout, Some(limits), None, None)
                && scalar(c"switchback_checks", 1, checks as ScalarFn)
                && scalar(c"switchback_hash", -1, hash)
                && aggregate(c"switchback_rows", -1, rows_final as FinalFn)
                && aggregate(c"switchback_column", 1, column_final)
        })
        .unwrap_or(false)
    }

    /// Keeps scripts inside a shadow: nothing outside its own memory can be reached or changed.
    pub fn confine(&self) -> bool {
        self.with(|db| {
            // SAFETY: the handle is open; the callback keeps no state; the option takes an int and a place for the result.
            unsafe {
                sqlite3_set_authorizer(db, Some(authorize), ptr::null_mut()) == SQLITE_OK
                    && sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1 as c_int, ptr::null_mut::<c_int>())
                        == SQLITE_OK
            }
        })
        .unwrap_or(false)
    }
}

/// A connection that only keeps a database in memory alive.
pub(super) struct Keeper(NonNull<sqlite3>);

// SAFETY: it is opened in serialized mode and used for nothing but closing.
unsafe impl Send for Keeper {}

impl Keeper {
    /// Opens a database by its URI; `None` where SQLite cannot.
    pub fn open(uri: &str) -> Option<Keeper> {
        let uri = CString::new(uri).ok()?;
        let flags = SQLITE_OPEN_URI | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
        let mut db = ptr::null_mut();
        // SAFETY: the name ends in NUL; the handle is closed by drop whatever the code.
        let code = unsafe { sqlite3_open_v2(uri.as_ptr(), &mut db, flags, ptr::null()) };
        let keeper = Keeper(NonNull::new(db)?);
        (code == SQLITE_OK).then_some(keeper)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used again.
        unsafe { sqlite3_close(self.0.as_ptr()) };
    }
}

/// Version of the library that is built in.
pub(super) fn version() -> String {
    // SAFETY: a static string.
    unsafe { CStr::from_ptr(sqlite3_libversion()) }.to_string_lossy().into_owned()
}

type ScalarFn = unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value);
type FinalFn = unsafe extern "C" fn(*mut sqlite3_context);

/// Registers one function. `data` is an `Arc<AtomicU64>` given away, or null.
fn add(
    db: *mut sqlite3,
    name: &CStr,
    arguments: c_int,
    data: *mut c_void,
    call: Option<ScalarFn>,
    step: Option<ScalarFn>,
    last: Option<FinalFn>,
) -> bool {
    let flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
    let destroy = (!data.is_null()).then_some(give_back as unsafe extern "C" fn(*mut c_void));
    // SAFETY: the handle is open; SQLite calls `give_back` once, when the function or the connection ends.
    unsafe {
        sqlite3_create_function_v2(db, name.as_ptr(), arguments, flags, data, call, step, last, destroy) == SQLITE_OK
    }
}

unsafe extern "C" fn give_back(data: *mut c_void) {
    // SAFETY: made by Arc::into_raw in add_functions, given back once.
    drop(unsafe { Arc::from_raw(data.cast::<AtomicU64>().cast_const()) });
}

/// `switchback_limits(lock timeout ms, statement timeout ms)`.
unsafe extern "C" fn limits(context: *mut sqlite3_context, _: c_int, values: *mut *mut sqlite3_value) {
    // SAFETY: registered with two arguments and an AtomicU64 that lives as long as the function.
    unsafe {
        let lock = sqlite3_value_int64(*values).clamp(0, i64::from(c_int::MAX));
        let statement = sqlite3_value_int64(*values.add(1)).max(0);
        sqlite3_busy_timeout(sqlite3_context_db_handle(context), lock as c_int);
        (*sqlite3_user_data(context).cast::<AtomicU64>()).store(statement.unsigned_abs(), Ordering::Relaxed);
        sqlite3_result_int64(context, lock);
    }
}

/// `switchback_checks(CREATE TABLE text)`: its CHECK expressions, one per line; NULL where there are none.
unsafe extern "C" fn checks(context: *mut sqlite3_context, _: c_int, values: *mut *mut sqlite3_value) {
    // SAFETY: registered with one argument.
    let sql = unsafe { bytes_of(*values) };
    let found = ddl::checks(&String::from_utf8_lossy(sql));
    if !found.is_empty() {
        result(context, found.join("\n").as_bytes());
    }
}

/// What an aggregate sums up. SQLite hands it out zeroed and aligned to 8 bytes.
#[repr(C)]
struct Sum {
    low: u64,
    high: u64,
    values: u64,
}

/// Hash of some values, each with its type and length, so that NULL, '' and x'' differ, and ('a','bc') from ('ab','c').
unsafe fn hash_of(count: c_int, values: *mut *mut sqlite3_value) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for index in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: SQLite gives `count` values.
        let (kind, value) = unsafe { (sqlite3_value_type(*values.add(index)), *values.add(index)) };
        hasher.update([kind as u8]);
        // SAFETY: a value that SQLite handed us for this call.
        match kind {
            SQLITE_NULL => {}
            SQLITE_INTEGER => hasher.update(unsafe { sqlite3_value_int64(value) }.to_le_bytes()),
            SQLITE_FLOAT => hasher.update(unsafe { sqlite3_value_double(value) }.to_bits().to_le_bytes()),
            _ => {
                let bytes = unsafe { bytes_of(value) };
                hasher.update((bytes.len() as u64).to_le_bytes());
                hasher.update(bytes);
            }
        }
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hasher.finalize()[..16]);
    half
}

/// Bytes of a text or blob value; they live as long as the value is not converted.
unsafe fn bytes_of<'a>(value: *mut sqlite3_value) -> &'a [u8] {
    // SAFETY: the length belongs to the pointer that is asked for first; an empty value may have none.
    unsafe {
        let start = sqlite3_value_blob(value).cast::<u8>();
        let length = usize::try_from(sqlite3_value_bytes(value)).unwrap_or(0);
        if start.is_null() { &[] } else { std::slice::from_raw_parts(start, length) }
    }
}

/// Gives text to SQLite, which copies it.
fn result(context: *mut sqlite3_context, text: &[u8]) {
    let length = c_int::try_from(text.len()).unwrap_or(0);
    // SAFETY: SQLITE_TRANSIENT makes SQLite copy before this returns.
    unsafe { sqlite3_result_text(context, text.as_ptr().cast(), length, SQLITE_TRANSIENT()) }
}

/// `switchback_hash(value, …)`.
unsafe extern "C" fn hash(context: *mut sqlite3_context, count: c_int, values: *mut *mut sqlite3_value) {
    // SAFETY: SQLite gives `count` values.
    let half = unsafe { hash_of(count, values) };
    result(context, format!("{:032x}", u128::from_le_bytes(half)).as_bytes());
}

/// Adds a row: a sum modulo 2^128, so that order does not count and pairs do not vanish.
unsafe extern "C" fn hash_step(context: *mut sqlite3_context, count: c_int, values: *mut *mut sqlite3_value) {
    // SAFETY: SQLite gives `count` values, and memory for one Sum or null.
    unsafe {
        let sum = sqlite3_aggregate_context(context, size_of::<Sum>() as c_int).cast::<Sum>();
        let Some(sum) = sum.as_mut() else { return sqlite3_result_error_nomem(context) };
        let total = sum.total().wrapping_add(u128::from_le_bytes(hash_of(count, values)));
        (sum.low, sum.high) = (total as u64, (total >> 64) as u64);
        sum.values += u64::from(count > 0 && sqlite3_value_type(*values) != SQLITE_NULL);
    }
}

impl Sum {
    fn total(&self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }
}

/// The sum of a group without rows is that of nothing.
unsafe fn sum_of(context: *mut sqlite3_context) -> (u128, u64) {
    // SAFETY: with size 0 SQLite gives what the steps made, or null.
    let sum = unsafe { sqlite3_aggregate_context(context, 0).cast::<Sum>().as_ref() };
    sum.map_or((0, 0), |sum| (sum.total(), sum.values))
}

unsafe extern "C" fn rows_final(context: *mut sqlite3_context) {
    // SAFETY: called by SQLite at the end of an aggregate.
    let (total, _) = unsafe { sum_of(context) };
    result(context, format!("{total:032x}").as_bytes());
}

unsafe extern "C" fn column_final(context: *mut sqlite3_context) {
    // SAFETY: called by SQLite at the end of an aggregate.
    let (total, values) = unsafe { sum_of(context) };
    result(context, format!("{total:032x}:{values}").as_bytes());
}

/// What a script may not do in a shadow. What only tunes the file's durability is left out silently, so that a script with it
/// can still be proven.
unsafe extern "C" fn authorize(
    _: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    _: *const c_char,
    _: *const c_char,
) -> c_int {
    // SAFETY: SQLite gives strings that end in NUL, or null.
    let text = |at: *const c_char| {
        (!at.is_null()).then(|| unsafe { CStr::from_ptr(at) }.to_string_lossy().to_ascii_lowercase())
    };
    let (first, second) = (text(first), text(second));
    match (action, first.as_deref(), second.as_deref()) {
        // VACUUM attaches '' for itself.
        (SQLITE_ATTACH, Some("" | ":memory:"), _) => SQLITE_OK,
        (SQLITE_ATTACH, ..) => SQLITE_DENY,
        (SQLITE_PRAGMA, Some("writable_schema"), Some("0" | "off" | "no" | "false" | "reset")) => SQLITE_OK,
        (SQLITE_PRAGMA, Some("writable_schema"), Some(_)) => SQLITE_DENY,
        (SQLITE_PRAGMA, Some("temp_store_directory" | "data_store_directory"), _) => SQLITE_DENY,
        (SQLITE_PRAGMA, Some("journal_mode" | "locking_mode" | "synchronous" | "temp_store"), Some(_)) => SQLITE_IGNORE,
        (SQLITE_FUNCTION, _, Some("load_extension" | "readfile" | "writefile" | "edit" | "fts3_tokenizer")) => {
            SQLITE_DENY
        }
        _ => SQLITE_OK,
    }
}
