//! What every act is given: who is told, when to stop, what time it is.
//!
//! Acts read no clock and no environment of their own, so that a test can freeze both.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::sync::Notify;

use crate::event::{Event, Observer};
use crate::fault::{Fault, FaultKind, Result};

/// Ctrl-C, counted: the first stops after the running statement, the second cancels it on the server.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<(AtomicU32, Notify)>);

impl Interrupt {
    /// Counts one more.
    pub fn raise(&self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        self.0.1.notify_waiters();
    }

    /// How often it was raised.
    pub fn count(&self) -> u32 {
        self.0.0.load(Ordering::SeqCst)
    }

    /// Waits until it has been raised at least `count` times.
    pub async fn reached(&self, count: u32) {
        loop {
            let notified = self.0.1.notified();
            if self.count() >= count {
                return;
            }
            notified.await;
        }
    }
}

/// What an act is given beside its subject.
#[derive(Clone)]
pub struct Context {
    pub observer: Arc<dyn Observer>,
    pub interrupt: Interrupt,
    pub clock: fn() -> DateTime<Utc>,
}

impl Context {
    pub fn tell(&self, event: Event) {
        self.observer.tell(event);
    }

    /// Now, as the ledger writes it: RFC 3339, UTC, microseconds.
    pub fn now(&self) -> String {
        stamp((self.clock)())
    }

    /// # Errors
    /// When the user has asked to stop.
    pub fn go_on(&self) -> Result<()> {
        if self.interrupt.count() == 0 {
            return Ok(());
        }
        Err(Fault::new(FaultKind::Refused, "stopped on request, between two steps"))
    }
}

/// A time as the ledger writes it.
pub fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}
