//! What a running server says about itself: the file `postmaster.pid` in its data directory, and its process.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, test_kill_process};

/// The port, which on a Unix socket is only a part of its name.
pub(super) const PORT: u16 = 5432;

/// How a cluster's server stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It takes connections in this directory.
    Ready(PathBuf),
    /// It is on its way up or down: it will be another standing soon.
    Underway,
    /// It runs, says that it takes connections, and nobody can get at its socket.
    WithoutSocket(PidFile),
    /// No server runs.
    Down,
}

impl Standing {
    /// Looks at the server of this cluster.
    pub(super) fn of(cluster: &Path) -> io::Result<Self> {
        let Some(file) = PidFile::read(cluster)? else { return Ok(Self::Down) };
        if !file.is_ready {
            return Ok(if file.is_alive(cluster) { Self::Underway } else { Self::Down });
        }
        match UnixStream::connect(socket_in(&file.sockets)) {
            Ok(_) => Ok(Self::Ready(file.sockets)),
            // Its queue of unanswered connections is full.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Self::Underway),
            Err(_) if !file.is_alive(cluster) => Ok(Self::Down),
            Err(_) => Ok(Self::WithoutSocket(file)),
        }
    }
}

/// The socket in this directory.
pub(super) fn socket_in(directory: &Path) -> PathBuf {
    directory.join(format!(".s.PGSQL.{PORT}"))
}

/// The lines of `postmaster.pid` that matter here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: i32,
    /// The directory of its socket.
    pub(super) sockets: PathBuf,
    is_ready: bool,
}

impl PidFile {
    /// Reads the file, if there is one and the server has got as far as naming its socket.
    pub(super) fn read(cluster: &Path) -> io::Result<Option<Self>> {
        match fs::read_to_string(cluster.join("postmaster.pid")) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Process, data directory, start, port, socket's directory, address, shared memory, status.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 1)?;
        let sockets = PathBuf::from(lines.nth(3).unwrap_or_default());
        let is_ready = lines.nth(2).is_some_and(|status| status.trim() == "ready");
        Some(Self { pid, sockets, is_ready })
    }

    /// Whether the process is this cluster's server, and not a stranger who was given its number later.
    pub(super) fn is_alive(&self, cluster: &Path) -> bool {
        runs(self.pid) && command_line(self.pid).is_some_and(|line| mentions(&line, cluster))
    }

    /// Makes PostgreSQL see that the file is left over although its process number is in use again, as happens
    /// after a crash where numbers come round quickly, in containers above all. It takes a file that names its own
    /// parent for a stale one, and still checks that no process of the old server lives.
    pub(super) fn disown(cluster: &Path) -> io::Result<()> {
        let path = cluster.join("postmaster.pid");
        let Some(file) = Self::read(cluster)? else { return Ok(()) };
        if !runs(file.pid) {
            return Ok(());
        }
        let text = fs::read_to_string(&path)?;
        let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
        fs::write(&path, format!("{}\n{rest}", std::process::id()))
    }
}

/// The server's process, to send it a signal.
pub(super) fn process(pid: i32) -> Option<Pid> {
    Pid::from_raw(pid)
}

fn runs(pid: i32) -> bool {
    // A process of somebody else's runs, too: it only may not be sent anything.
    process(pid).is_some_and(|pid| match test_kill_process(pid) {
        Ok(()) => true,
        Err(error) => error == rustix::io::Errno::PERM,
    })
}

/// The command line of a process. Empty for one that has ended and whose parent has not looked yet.
fn command_line(pid: i32) -> Option<Vec<u8>> {
    if Path::new("/proc/self/cmdline").exists() {
        return fs::read(format!("/proc/{pid}/cmdline")).ok();
    }
    let answer =
        Command::new("ps").args(["-ww", "-o", "command=", "-p"]).arg(pid.to_string()).output().ok()?;
    Some(answer.stdout)
}

fn mentions(line: &[u8], cluster: &Path) -> bool {
    let wanted = cluster.as_os_str().as_bytes();
    line.windows(wanted.len()).any(|part| part == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = "4711\n/data/cluster\n1790000000\n5432\n/data/run\n\n  1234 5\nready   \n";

    #[test]
    fn a_ready_server_names_its_process_and_its_socket() {
        let expected = PidFile { pid: 4711, sockets: "/data/run".into(), is_ready: true };
        assert_eq!(PidFile::parse(READY), Some(expected));
    }

    #[test]
    fn a_server_that_starts_or_stops_is_not_ready() {
        for text in
            [READY.replace("ready   ", "starting"), READY.replace("ready   ", "stopping"), "4711\n".into()]
        {
            assert!(!PidFile::parse(&text).unwrap().is_ready, "{text}");
        }
        for text in ["", "\n", "x\n", "-1\n", "0\n"] {
            assert_eq!(PidFile::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_stranger_with_the_servers_number_is_not_the_server() {
        let directory = tempfile::tempdir().unwrap();
        let ourselves = READY.replace("4711", &std::process::id().to_string());
        fs::write(directory.path().join("postmaster.pid"), &ourselves).unwrap();
        assert_eq!(Standing::of(directory.path()).unwrap(), Standing::Down);
    }
}
