//! The terminal: data to stdout, talk to stderr, colour and progress only where a person looks.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::event::{Event, Observer};
use crate::fault::{Fault, Result};
use crate::finding::Finding;
use crate::report::escape::terminal;
use crate::report::{clean, human};

/// How commands speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    Human,
    Json,
}

/// Writes data to stdout. A reader that went away (`| head`) is no error.
pub fn out(text: &str) {
    let mut stdout = anstream::stdout().lock();
    let _ = stdout.write_all(terminal(text).as_bytes()).and_then(|()| stdout.flush());
}

/// Writes what somebody else has to read exactly as it is, such as SQL; on a terminal it acts on nothing all the same.
pub fn exactly(text: &str) {
    if std::io::stdout().is_terminal() {
        return out(text);
    }
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes talk to stderr.
pub fn talk(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = stderr.write_all(terminal(text).as_bytes());
}

/// Says what a request to stop leads to; `count` is how often it was made.
pub fn tell_interrupt(count: u32) {
    match count {
        1 => talk("stopping behind the running statement; Ctrl-C again cancels it\n"),
        2 => talk(
            "cancelling the running statement; Ctrl-C again, five seconds from now or later, ends without waiting for its answer\n",
        ),
        _ => talk("not waiting any more: what the server has in hand it may still end; `switchback status` tells\n"),
    }
}

/// Whether a person can be asked.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks a question that only `y` or `yes` affirms.
///
/// # Errors
/// Refused when the answer is anything else; nothing is changed then.
pub fn confirm(question: &str) -> Result<()> {
    talk(&format!("{question} [y/N] "));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Fault::refused("not confirmed; nothing was changed"))
}

/// Shows events on the terminal: progress for what takes longer than a second, and what must not be missed.
pub struct Terminal {
    voice: Voice,
    bar: Mutex<Option<ProgressBar>>,
    /// What was warned of, in order.
    warned: Mutex<Vec<Finding>>,
}

impl Terminal {
    pub fn new(voice: Voice) -> Self {
        Terminal { voice, bar: Mutex::new(None), warned: Mutex::new(Vec::new()) }
    }

    /// What has been warned of so far, for the object of `--json`.
    pub fn warned(&self) -> Vec<Finding> {
        self.warned.lock().map(|warned| warned.clone()).unwrap_or_default()
    }

    fn with_bar(&self, act: impl FnOnce(&ProgressBar)) {
        if let Ok(bar) = self.bar.lock()
            && let Some(bar) = bar.as_ref()
        {
            act(bar);
        }
    }

    fn say(&self, text: &str) {
        let mut shown = false;
        self.with_bar(|bar| {
            bar.suspend(|| talk(text));
            shown = true;
        });
        if !shown {
            talk(text);
        }
    }

    fn begin(&self, what: &'static str, total: usize) {
        if self.voice == Voice::Json || !std::io::stderr().is_terminal() {
            return;
        }
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        // Hidden for its first second: what is quick needs no progress.
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{prefix} {pos}/{len} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(what);
        if let Ok(mut slot) = self.bar.lock() {
            *slot = Some(bar);
        }
    }

    fn progress(&self, id: &str) {
        self.with_bar(|bar| {
            if bar.is_hidden() && bar.elapsed() > Duration::from_secs(1) {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            bar.set_message(clean(id).into_owned());
        });
    }
}

impl Observer for Terminal {
    fn tell(&self, event: Event) {
        match event {
            Event::Begins { what, total } => self.begin(what, total),
            Event::Working { id } => self.progress(id.as_str()),
            Event::Judged { id, .. } => {
                self.progress(id.as_str());
                self.with_bar(|bar| bar.inc(1));
            }
            Event::Stepped { id, .. } => {
                self.progress(id.as_str());
                self.with_bar(|bar| bar.inc(1));
            }
            Event::Waiting { holder } => {
                self.say(&format!("waiting for the lock, which is held by {}\n", clean(&holder)));
            }
            Event::Notice { id, text } if self.voice == Voice::Human => {
                self.say(&format!("{}: {}\n", clean(id.as_str()), clean(&text)));
            }
            Event::Notice { .. } => {}
            Event::Warning(finding) => {
                self.say(&human::finding(&finding));
                if let Ok(mut warned) = self.warned.lock() {
                    warned.push(finding);
                }
            }
            Event::Ends => {
                if let Ok(mut slot) = self.bar.lock()
                    && let Some(bar) = slot.take()
                {
                    bar.finish_and_clear();
                }
            }
        }
    }
}
