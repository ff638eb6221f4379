//! When a process is told to end: by whom, and how often.

use std::io::Read;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};

/// How often this process has been asked to end since it began to listen: by a person (Ctrl-C), by the system (SIGTERM), or
/// because its terminal is gone (SIGHUP).
#[derive(Debug, Clone)]
pub struct StopSignals(watch::Receiver<u32>);

impl StopSignals {
    /// Listens from now on: none of them ends the process any more by itself. Whoever starts what must not be left behind
    /// listens before.
    ///
    /// # Errors
    /// If the system allows no handler.
    pub fn listen() -> std::io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = match ends_with_its_terminal() {
            true => Some(signal(SignalKind::hangup())?),
            false => None,
        };
        let (tell, told) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => tell.send_modify(|times| *times += 1),
                    _ = terminate.recv() => tell.send_modify(|times| *times += 1),
                    // A terminal that is closed says so by the system as well as by the shell: nobody insists.
                    () = hung_up(&mut hangup) => tell.send_modify(|times| *times = (*times).max(1)),
                }
            }
        });
        Ok(Self(told))
    }

    /// Returns when the process has been asked to end so many times.
    pub async fn asked(&self, times: u32) {
        if self.0.clone().wait_for(|so_far| *so_far >= times).await.is_err() {
            // Nobody listens any more, as this process ends.
            std::future::pending().await
        }
    }
}

async fn hung_up(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => {
            hangup.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Whether the end of its terminal is to end this process: nohup lets it ignore that, and a handler would undo it. Where the
/// system does not tell, it stays as it is.
fn ends_with_its_terminal() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // A set of signals, SIGHUP being the first (proc_pid_status(5)).
    ignored.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).is_some_and(|set| set & 1 == 0)
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
