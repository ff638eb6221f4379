//! When a command that runs until it is told otherwise is told otherwise.

use std::io::Read;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Returns when a person (Ctrl-C) or the system (SIGTERM) asks this process to end.
///
/// # Errors
/// If the system allows no handler.
pub async fn asked_to_stop() -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Returns when the standard input ends. A process that holds the other end of a pipe need not do anything to end
/// this one: the system closes the pipe when it dies.
pub async fn stdin_closed() {
    let (tell, closed) = oneshot::channel();
    // A thread and not tokio's stdin: a read that never returns must not hold up the end of the runtime.
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        let mut stdin = std::io::stdin().lock();
        while stdin.read(&mut buffer).is_ok_and(|read| read > 0) {}
        let _ = tell.send(());
    });
    // The sender is only dropped after it has sent.
    let _ = closed.await;
}
