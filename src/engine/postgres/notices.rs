//! Notices of the server. The driver hands them on as tracing events only, so each session listens while one of its
//! statements runs, and only then: a listener for the whole process would mix the sessions up.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

const TARGET: &str = "sqlx::postgres::notice";

/// Collects the notices of one session.
#[derive(Clone)]
pub struct Notices {
    texts: Arc<Mutex<Vec<String>>>,
    /// What the session's futures are run under.
    pub dispatch: Dispatch,
}

impl Notices {
    pub fn new() -> Self {
        let texts = Arc::new(Mutex::new(Vec::new()));
        Notices { dispatch: Dispatch::new(Listener(Arc::clone(&texts))), texts }
    }

    /// What came since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.texts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Listener(Arc<Mutex<Vec<String>>>);

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET && *metadata.level() <= Level::INFO
    }

    fn event(&self, event: &Event<'_>) {
        let word = if *event.metadata().level() <= Level::WARN { "WARNING" } else { "NOTICE" };
        let mut message = Message(None);
        event.record(&mut message);
        if let Some(text) = message.0 {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{word}: {text}"));
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Message(Option<String>);

impl Visit for Message {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = Some(format!("{value:?}"));
        }
    }
}
