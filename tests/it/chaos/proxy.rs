//! A TCP proxy that goes wrong on demand: it delays, holds, resets, half-closes and cuts, everywhere or at a named
//! [`Point`] of a conversation. It stands before PostgreSQL, before the provider, and before the nodes' webhooks.
//!
//! What it cannot do: lose bytes that were acknowledged. While it holds a connection, the kernel goes on acknowledging
//! what the client sends, so that a client's own `TCP_USER_TIMEOUT` never strikes; a silent proxy is harsher than a
//! silent network.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::sniff::{CLAIM, Point, RECORD, SETTLE, Sniffer};

/// How long the far end has to do what was passed on before the near end is cut off.
const TIME_TO_ACT: Duration = Duration::from_millis(30);

/// Where a proxy passes connections on to.
#[derive(Debug, Clone)]
pub enum Upstream {
    /// A socket in the file system.
    Unix(PathBuf),
    /// One of these ports on this machine: each connection begins with a random one and takes the first that accepts.
    Ports(Vec<u16>),
}

/// What it is like between the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes at once.
    Fair,
    /// Every piece is late by so many milliseconds, and up to `jitter` more.
    Slow {
        /// At least this late.
        millis: u64,
        /// Up to this much later still.
        jitter: u64,
    },
    /// Connections are accepted and nothing passes, in either direction; nobody is told.
    Silent,
}

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing; whoever waits for the point is told.
    Pass,
    /// What reached the point is kept back, and nothing passes on this connection any more.
    KeepBack,
    /// What reached the point is passed on, and no answer ever comes.
    HoldAnswer,
    /// What reached the point is passed on, and of the answer so many bytes, before the connection is closed.
    CutAnswer(usize),
    /// What reached the point is passed on, then the connection is reset.
    Reset,
    /// What reached the point is passed on, then this half of the connection is closed.
    HalfClose,
}

struct Trap {
    point: Point,
    then: Then,
    sprung: oneshot::Sender<()>,
}

struct Shared {
    upstream: Upstream,
    weather: watch::Receiver<Weather>,
    /// Grows when all connections are to be reset.
    storms: watch::Receiver<u64>,
    trap: Mutex<Option<Trap>>,
    chance: Mutex<StdRng>,
}

/// A running proxy. It ends, with all its connections, when it is dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    weather: watch::Sender<Weather>,
    storms: watch::Sender<u64>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts one on any port of this machine.
    pub async fn start(upstream: Upstream, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (weather, weather_seen) = watch::channel(Weather::Fair);
        let (storms, storms_seen) = watch::channel(0);
        let shared = Arc::new(Shared {
            upstream,
            weather: weather_seen,
            storms: storms_seen,
            trap: Mutex::default(),
            chance: Mutex::new(StdRng::seed_from_u64(seed)),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { port, shared, weather, storms, accepting }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes what it is like on all connections, present and future.
    pub fn set_weather(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Resets all connections that there are.
    pub fn reset_all(&self) {
        self.storms.send_modify(|storms| *storms += 1);
    }

    /// Waits until a connection comes to `point`, and does `then` to it, once; false if none comes within `patience`.
    pub async fn strike(&self, point: Point, then: Then, patience: Duration) -> bool {
        let (sprung, seen) = oneshot::channel();
        *self.shared.trap.lock().expect("a trap") = Some(Trap { point, then, sprung });
        let came = tokio::time::timeout(patience, seen).await;
        if came.is_err() {
            *self.shared.trap.lock().expect("a trap") = None;
        }
        matches!(came, Ok(Ok(())))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        // The connections see that nobody can change the weather any more, and end.
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => drop(tokio::spawn(serve(client, shared.clone()))),
            // Out of descriptors, for a moment.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve(client: TcpStream, shared: Arc<Shared>) {
    let mut storms = shared.storms.clone();
    storms.mark_unchanged();
    let mut connection = Connection { client, shared, sniffer: Sniffer::default() };
    let ended = tokio::select! {
        ended = connection.relay() => ended,
        _ = storms.changed() => Ok(End::Reset),
    };
    if let Ok(End::Reset) = ended {
        // A socket that is gone already is reset enough.
        let _ = connection.client.set_zero_linger();
    }
}

enum End {
    Closed,
    Reset,
}

struct Connection {
    client: TcpStream,
    shared: Arc<Shared>,
    sniffer: Sniffer,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Connection {
    async fn relay(&mut self) -> io::Result<End> {
        self.pass_weather().await?;
        let mut server = self.connect().await?;
        let (mut asked, mut answered) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
        // How much of the answers still passes, once something has struck.
        let mut left: Option<usize> = None;
        loop {
            tokio::select! {
                read = self.client.read(&mut asked) => {
                    let bytes = &asked[..read?];
                    self.pass_weather().await?;
                    if bytes.is_empty() {
                        server.shutdown().await?;
                        return Ok(End::Closed);
                    }
                    match self.struck_by(bytes) {
                        None | Some(Then::Pass) => server.write_all(bytes).await?,
                        Some(Then::KeepBack) => return self.hold().await,
                        Some(Then::HoldAnswer) => {
                            server.write_all(bytes).await?;
                            return self.hold().await;
                        }
                        Some(Then::CutAnswer(bytes_of_it)) => {
                            server.write_all(bytes).await?;
                            left = Some(bytes_of_it);
                        }
                        Some(Then::Reset) => {
                            server.write_all(bytes).await?;
                            tokio::time::sleep(TIME_TO_ACT).await;
                            return Ok(End::Reset);
                        }
                        Some(Then::HalfClose) => {
                            server.write_all(bytes).await?;
                            tokio::time::sleep(TIME_TO_ACT).await;
                            self.client.shutdown().await?;
                            return self.hold().await;
                        }
                    }
                }
                read = server.read(&mut answered) => {
                    let mut bytes = &answered[..read?];
                    self.pass_weather().await?;
                    if bytes.is_empty() {
                        self.client.shutdown().await?;
                        return Ok(End::Closed);
                    }
                    if let Some(left) = &mut left {
                        bytes = &bytes[..bytes.len().min(*left)];
                        *left -= bytes.len();
                    }
                    self.client.write_all(bytes).await?;
                    if left == Some(0) {
                        return Ok(End::Closed);
                    }
                }
            }
        }
    }

    /// Lets the weather have its effect on what is about to pass.
    async fn pass_weather(&mut self) -> io::Result<()> {
        loop {
            let weather = *self.shared.weather.borrow();
            match weather {
                Weather::Fair => return Ok(()),
                Weather::Slow { millis, jitter } => {
                    let later = self.shared.chance.lock().expect("a chance").random_range(0..=jitter);
                    tokio::time::sleep(Duration::from_millis(millis + later)).await;
                    return Ok(());
                }
                Weather::Silent => {
                    let mut weather = self.shared.weather.clone();
                    let changed = weather.wait_for(|weather| *weather != Weather::Silent).await;
                    if changed.is_err() {
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                }
            }
        }
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        match &self.shared.upstream {
            Upstream::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            Upstream::Ports(ports) => {
                let first = self.shared.chance.lock().expect("a chance").random_range(0..ports.len());
                for place in 0..ports.len() {
                    let port = ports[(first + place) % ports.len()];
                    if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await {
                        stream.set_nodelay(true)?;
                        return Ok(Box::new(stream));
                    }
                }
                Err(io::ErrorKind::ConnectionRefused.into())
            }
        }
    }

    fn struck_by(&mut self, bytes: &[u8]) -> Option<Then> {
        let mut trap = self.shared.trap.lock().expect("a trap");
        let point = trap.as_ref().map(|trap| trap.point);
        if !self.sniffer.read(bytes, &[CLAIM, SETTLE, RECORD], point) {
            return None;
        }
        let Trap { then, sprung, .. } = trap.take()?;
        // Whoever set it may have lost patience: it strikes all the same.
        let _ = sprung.send(());
        Some(then)
    }

    /// Keeps the connection until the client leaves. What it still sends goes nowhere.
    async fn hold(&mut self) -> io::Result<End> {
        let mut rest = vec![0; 4096];
        while self.client.read(&mut rest).await? > 0 {}
        Ok(End::Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::eventually;

    /// A server that answers every piece with itself, and a connection to it through a proxy.
    async fn echo() -> (Proxy, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut bytes = [0; 256];
                    while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                        stream.write_all(&bytes[..read]).await.unwrap();
                    }
                });
            }
        });
        let proxy = Proxy::start(Upstream::Ports(vec![port]), 1).await;
        let client = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        (proxy, client)
    }

    async fn answer(client: &mut TcpStream) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; 256];
        let read = client.read(&mut bytes).await?;
        bytes.truncate(read);
        Ok(bytes)
    }

    const CREATE: &[u8] = b"POST /Calls.json HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi";

    #[actix_web::test]
    async fn it_passes_in_fair_weather_holds_in_silence_and_delivers_afterwards() {
        let (proxy, mut client) = echo().await;
        client.write_all(b"one").await.unwrap();
        assert_eq!(answer(&mut client).await.unwrap(), b"one");
        proxy.set_weather(Weather::Silent);
        client.write_all(b"two").await.unwrap();
        let held = tokio::time::timeout(Duration::from_millis(100), answer(&mut client)).await;
        assert!(held.is_err(), "something passed: {held:?}");
        proxy.set_weather(Weather::Slow { millis: 1, jitter: 5 });
        assert_eq!(answer(&mut client).await.unwrap(), b"two");
        proxy.reset_all();
        let error = answer(&mut client).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[actix_web::test]
    async fn it_strikes_once_at_its_point() {
        for (then, expected) in
            [(Then::CutAnswer(5), &CREATE[..5]), (Then::CutAnswer(0), &b""[..]), (Then::HalfClose, &b""[..])]
        {
            let (proxy, mut client) = echo().await;
            client.write_all(b"GET /Calls.json HTTP/1.1\r\n\r\n").await.unwrap();
            answer(&mut client).await.unwrap();
            let strike = proxy.strike(Point::CallAskedFor, then, Duration::from_secs(5));
            let ask = async {
                client.write_all(CREATE).await.unwrap();
                let mut all = Vec::new();
                client.read_to_end(&mut all).await.unwrap();
                all
            };
            let (came, heard) = tokio::join!(strike, ask);
            assert!(came);
            assert_eq!(heard, expected, "{then:?}");
        }
    }

    #[actix_web::test]
    async fn a_reset_comes_after_what_was_passed_on_and_a_trap_that_nobody_meets_is_taken_away() {
        let (proxy, mut client) = echo().await;
        assert!(!proxy.strike(Point::CallAskedFor, Then::Reset, Duration::from_millis(5)).await);
        client.write_all(CREATE).await.unwrap();
        assert_eq!(answer(&mut client).await.unwrap(), CREATE);
        let (came, heard) =
            tokio::join!(proxy.strike(Point::CallAskedFor, Then::Reset, Duration::from_secs(5)), async {
                client.write_all(CREATE).await.unwrap();
                eventually("the connection is reset", || async {
                    proxy.shared.trap.lock().unwrap().is_none().then_some(())
                })
                .await;
                answer(&mut client).await
            });
        assert!(came && heard.is_err(), "{heard:?}");
    }
}
