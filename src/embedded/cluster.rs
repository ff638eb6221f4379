//! One cluster: its files and its server process. It starts and stops what it is told to; who may tell it, and when,
//! is decided by the locks of [`super::Embedded`].

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, kill_process};
use sha2::{Digest, Sha256};

use super::Durability;
use super::binaries::Binaries;
use super::error::{Doing, EmbeddedError};
use super::owner::Owner;
use super::pid_file::{PORT, PidFile, Standing, process, socket_in};
use crate::clock::Deadline;

/// The superuser of the cluster: only who may enter the socket's directory can be it, so it needs no password.
pub(super) const USER: &str = "outdial";

/// How long a start, a recovery after a crash included, or a stop may last.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// The pause between two looks at something that takes milliseconds.
pub(super) const BLINK: Duration = Duration::from_millis(20);

/// How long after it was made a directory may still be closed to whom it was made for.
const GIVEN_AWAY_WITHIN: Duration = Duration::from_secs(1);

/// The longest path of a socket, its end included, on the strictest of the systems (macOS; Linux takes 107).
const LONGEST_SOCKET: usize = 103;

/// The server's settings. The log keeps errors without the rows that caused them: those hold people's numbers.
const SETTINGS: [&str; 8] = [
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "idle_in_transaction_session_timeout=60s",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_checkpoints=off",
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
];

/// A log that has grown beyond this is put aside at the next start.
const LARGEST_LOG: u64 = 16 * 1024 * 1024;

/// How much of the log an error shows.
const TAIL_LINES: usize = 12;

/// A cluster in outdial's data directory.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    data_dir: PathBuf,
    directory: PathBuf,
    owner: Owner,
}

impl Cluster {
    /// The cluster of this data directory, made or yet to be made; the data directory exists afterwards.
    pub(super) fn in_data_dir(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let owner = Owner::of(&data_dir.join("cluster"))?;
        owner.make_private(data_dir)?;
        let data_dir = data_dir.canonicalize().doing("find", data_dir)?;
        // Whoever has just made it gives it away in the next moment.
        let deadline = Deadline::within(GIVEN_AWAY_WITHIN);
        while let Err(error) = owner.must_reach(&data_dir) {
            if deadline.has_passed() {
                return Err(error);
            }
            thread::sleep(BLINK);
        }
        Ok(Self { directory: data_dir.join("cluster"), data_dir, owner })
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub(super) fn standing(&self) -> Result<Standing, EmbeddedError> {
        Standing::of(&self.directory).doing("read the server's state in", &self.directory)
    }

    /// Makes the cluster, unless it is there, and starts its server, which is down. Returns once it takes
    /// connections, with the directory of its socket.
    pub(super) fn start(&self, durability: Durability) -> Result<PathBuf, EmbeddedError> {
        let binaries = Binaries::find(self.written_by(), &self.directory)?;
        self.remove_half_made();
        if self.written_by().is_none() {
            self.create(&binaries, durability)?;
        }
        let sockets = self.sockets()?;
        let deadline = Deadline::within(PATIENCE);
        loop {
            match self.launch(&binaries, durability, &sockets, &deadline)? {
                Launch::Ready => return Ok(sockets),
                Launch::Failed(log) if log.contains("still in use") && !deadline.has_passed() => {
                    // The processes of a server that was killed are about to notice that it is gone.
                    thread::sleep(10 * BLINK);
                }
                Launch::Failed(log) => {
                    return Err(EmbeddedError::Start { log: self.log_path(), tail: tail(&log) });
                }
            }
        }
    }

    /// Stops the server, if one runs: open transactions are rolled back, connections closed.
    pub(super) fn stop(&self) -> Result<(), EmbeddedError> {
        let running = PidFile::read(&self.directory).doing("read the server's state in", &self.directory)?;
        let Some(file) = running.filter(|file| file.is_alive(&self.directory)) else { return Ok(()) };
        if let Some(pid) = process(file.pid) {
            // It may have ended just now by itself: then there is nobody to tell, and nothing to wait for.
            let _ = kill_process(pid, Signal::INT);
        }
        let deadline = Deadline::within(PATIENCE);
        while file.is_alive(&self.directory) {
            if deadline.has_passed() {
                return Err(EmbeddedError::StillRunning { pid: file.pid, patience: PATIENCE });
            }
            thread::sleep(BLINK);
        }
        Ok(())
    }

    /// The major version that wrote the cluster, if there is one.
    fn written_by(&self) -> Option<u32> {
        fs::read_to_string(self.directory.join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// Makes the cluster beside its place and then moves it there, so that what stands in its place is whole.
    fn create(&self, binaries: &Binaries, durability: Durability) -> Result<(), EmbeddedError> {
        let making = self.data_dir.join(format!("{HALF_MADE}{}", std::process::id()));
        self.owner.make_private(&making)?;
        let mut initdb = self.owner.command(&binaries.program("initdb"));
        initdb.arg("-D").arg(&making).args(["-U", USER, "--auth-local=trust", "--auth-host=reject"]);
        initdb.args(["--encoding=UTF8", "--locale=C"]);
        if durability == Durability::ForTests {
            initdb.arg("--no-sync");
        }
        let done = initdb.stdin(Stdio::null()).output().doing("run", &binaries.program("initdb"))?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr);
            return Err(EmbeddedError::Init(tail(&said)));
        }
        fs::rename(&making, &self.directory).doing("put in its place", &making)?;
        File::open(&self.data_dir).and_then(|directory| directory.sync_all()).doing("sync", &self.data_dir)
    }

    /// Removes what a killed `initdb` left. What cannot be removed is in nobody's way.
    fn remove_half_made(&self) {
        let entries = fs::read_dir(&self.data_dir).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().as_bytes().starts_with(HALF_MADE.as_bytes())) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }

    /// The directory for the socket: in the data directory where the path is short enough, else a private one
    /// whose name is made from the data directory's.
    fn sockets(&self) -> Result<PathBuf, EmbeddedError> {
        let near = self.data_dir.join("run");
        let directory = if socket_in(&near).as_os_str().len() <= LONGEST_SOCKET {
            near
        } else {
            let digest = Sha256::digest(self.data_dir.as_os_str().as_bytes());
            let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            Path::new("/tmp").join(format!("outdial-{name}"))
        };
        self.owner.make_private(&directory)?;
        self.owner.must_own(&directory)?;
        Ok(directory)
    }

    /// Starts the server's process and waits until it takes connections or has ended.
    fn launch(
        &self,
        binaries: &Binaries,
        durability: Durability,
        sockets: &Path,
        deadline: &Deadline,
    ) -> Result<Launch, EmbeddedError> {
        // Nobody listens in this directory, or the server would not be down: its leftovers belong to nobody.
        let _ = fs::remove_file(socket_in(sockets));
        let _ = fs::remove_file(socket_in(sockets).with_extension(format!("{PORT}.lock")));
        PidFile::disown(&self.directory).doing("mend the process file in", &self.directory)?;
        let (log, before) = self.open_log()?;
        let ended = self.spawn(binaries, durability, sockets, &log)?;
        loop {
            if ended.try_recv().is_ok() || deadline.has_passed() {
                return Ok(Launch::Failed(self.log_since(before)));
            }
            if matches!(self.standing()?, Standing::Ready(_)) {
                return Ok(Launch::Ready);
            }
            thread::sleep(BLINK);
        }
    }

    /// Starts the server's process in a group of its own, which a terminal's Ctrl-C does not reach: outdial first
    /// ends its own work, then the server. The receiver hears when the process has ended.
    fn spawn(
        &self,
        binaries: &Binaries,
        durability: Durability,
        sockets: &Path,
        log: &File,
    ) -> Result<Receiver<()>, EmbeddedError> {
        let program = binaries.program("postgres");
        let copy = || log.try_clone().map(Stdio::from).doing("open", &self.log_path());
        let mut server = self.owner.command(&program);
        server.arg("-D").arg(&self.directory).arg("-k").arg(sockets).args(["-p", &PORT.to_string()]);
        for setting in SETTINGS.iter().chain(durability.settings()) {
            server.args(["-c", setting]);
        }
        server.stdin(Stdio::null()).stdout(copy()?).stderr(copy()?).process_group(0);
        let mut child = server.spawn().doing("run", &program)?;
        let (tell, ended) = channel();
        // Somebody has to take note of its end, or the process number stays taken for as long as this process lives.
        thread::spawn(move || {
            let _ = child.wait();
            let _ = tell.send(());
        });
        Ok(ended)
    }

    fn log_path(&self) -> PathBuf {
        self.data_dir.join("postgres.log")
    }

    /// The log, to be continued, and how long it is so far.
    fn open_log(&self) -> Result<(File, u64), EmbeddedError> {
        let path = self.log_path();
        if fs::metadata(&path).is_ok_and(|log| log.len() > LARGEST_LOG) {
            fs::rename(&path, path.with_extension("log.old")).doing("put aside", &path)?;
        }
        let log = OpenOptions::new().create(true).append(true).open(&path).doing("open", &path)?;
        self.owner.give(&path)?;
        let length = log.metadata().doing("look at", &path)?.len();
        Ok((log, length))
    }

    fn log_since(&self, start: u64) -> String {
        let read = || {
            let mut log = File::open(self.log_path())?;
            log.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::new();
            log.read_to_end(&mut bytes)?;
            std::io::Result::Ok(bytes)
        };
        read().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}

/// How the directory of a cluster begins that is being made.
const HALF_MADE: &str = "cluster.half-made-";

/// What came of starting the server's process.
enum Launch {
    /// It takes connections.
    Ready,
    /// It ended, or never became ready; this is what it wrote.
    Failed(String),
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
