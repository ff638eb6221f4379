//! What the figures were measured on.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use outdial::clock::Stopwatch;
use tokio_postgres::Client;

/// How long the disk is asked.
const PROBE: Duration = Duration::from_secs(1);

/// Prints what the figures were measured on; the disk is the one under `directory`.
pub async fn describe(client: &Client, directory: &Path) {
    let version: String =
        client.query_one("SHOW server_version", &[]).await.expect("the server's version").get(0);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("Machine: {cores} cores, {}, PostgreSQL {version}.", processor());
    println!(
        "Disk: {:.0} µs for a write of 8 KiB and its sync, before the first round.",
        sync_micros(directory)
    );
    println!("Load, simulator, program and database share the machine.\n");
}

fn processor() -> String {
    let linux = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?.to_owned();
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let macos = || {
        let said = Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"]).output().ok()?;
        Some(String::from_utf8_lossy(&said.stdout).trim().to_owned())
    };
    linux.or_else(macos).unwrap_or_else(|| "processor unknown".to_owned())
}

/// The mean time of a small write and its sync, as a commit does it.
fn sync_micros(directory: &Path) -> f64 {
    let path = directory.join("sync-probe");
    let mut file = File::create(&path).expect("a file for the probe");
    let page = [0x5a_u8; 8192];
    let watch = Stopwatch::start();
    let mut syncs = 0_u32;
    while watch.elapsed() < PROBE {
        file.seek(SeekFrom::Start(0)).expect("the file's start");
        file.write_all(&page).expect("a write");
        file.sync_data().expect("a sync");
        syncs += 1;
    }
    let micros = watch.elapsed().as_secs_f64() * 1e6 / f64::from(syncs);
    fs::remove_file(path).expect("the probe's end");
    micros
}
