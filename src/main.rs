//! Parse, run, exit.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use switchback::cli;
use switchback::context::Interrupt;
use switchback::points;

fn main() -> ExitCode {
    cli::heap::grow_in_large_steps();
    if cli::env(points::VARIABLE).is_some_and(|said| !points::arm(&said)) {
        cli::ui::talk("SWITCHBACK_FAULT is kill@N, stop@N or count@FILE\n");
        return ExitCode::from(cli::exit::USAGE);
    }
    let cli = match cli::parsed() {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code),
    };
    let interrupt = Interrupt::default();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::from(cli::exit::BUG);
    };
    let code = runtime.block_on(async {
        let listener = tokio::spawn(listen(interrupt.clone()));
        let code = cli::run(cli, interrupt).await;
        listener.abort();
        code
    });
    ExitCode::from(code)
}

/// So long the server is given to answer to a cancel: whoever presses thrice in a hurry wants what the second does.
const ANSWER: Duration = Duration::from_secs(5);

/// Ctrl-C and SIGTERM ask to stop; a second one cancels the running statement; a third one, later, waits for nothing any more.
async fn listen(interrupt: Interrupt) {
    let mut cancelled = None;
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
        loop {
            tokio::select! {
                pressed = tokio::signal::ctrl_c() => if pressed.is_err() { return },
                _ = terminate.recv() => {}
            }
            raise(&interrupt, &mut cancelled);
        }
    }
    #[cfg(not(unix))]
    while tokio::signal::ctrl_c().await.is_ok() {
        raise(&interrupt, &mut cancelled);
    }
}

fn raise(interrupt: &Interrupt, cancelled: &mut Option<Instant>) {
    if cancelled.is_some_and(|cancelled| cancelled.elapsed() < ANSWER) {
        return;
    }
    interrupt.raise();
    cli::ui::tell_interrupt(interrupt.count());
    match interrupt.count() {
        0 | 1 => {}
        2 => *cancelled = Some(Instant::now()),
        _ => std::process::exit(cli::exit::HALF_WAY.into()),
    }
}
