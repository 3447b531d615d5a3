//! Programs that nobody here wrote, as they come from the package registry, and one of them:
//! `bore`, which makes a local port public through a server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use xtask::fixture::Running;
use xtask::progress::Step;
use xtask::workspace::{self, cargo, exclusively, target};

const PACKAGE: &str = "bore-cli";
const VERSION: &str = "0.6.0";

/// The port that bore's server listens on for its clients; it cannot be changed.
const CONTROL_PORT: u16 = 7835;

/// The server keeps a task for each new connection this long, to forget it if
/// its client does not come for it.
const STALE_AFTER: Duration = Duration::from_secs(10);

/// How long a part of the tunnel may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Builds a program once, unmodified and with its own lock file, in cargo's profile for debugging;
/// returns the program.
pub fn install(package: &str, version: &str, options: &[&str], program: &str) -> Result<PathBuf> {
    let root = target().join("third-party");
    exclusively("third-party", || {
        let step = Step::begin(format!("building {package} {version}"));
        let mut install = cargo(workspace::root());
        install.args(["install", package, "--version", version, "--locked", "--debug"]);
        install.args(options);
        install.arg("--root").arg(&root).arg("--target-dir").arg(root.join("build"));
        workspace::run(&mut install, &step)?;
        step.done();
        Ok(())
    })?;
    Ok(root.join("bin").join(program))
}

/// `bore`.
pub fn bore() -> Result<PathBuf> {
    install(PACKAGE, VERSION, &[], "bore")
}

/// An address of this machine that nobody else has, since the port of a server is always the same:
/// other tests of this process have others, and so have other processes.
fn own_address() -> Ipv4Addr {
    static COUNT: AtomicU8 = AtomicU8::new(77);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, COUNT.fetch_add(1, Relaxed), high, low.max(1))
}

/// A server of bore, a client, and connections through both of them.
pub struct Tunnel {
    /// The server.
    pub server: Running,
    /// The client.
    pub client: Running,
    _behind: TcpListener,
    _connections: Vec<(TcpStream, TcpStream)>,
}

impl Tunnel {
    /// Opens a tunnel with as many idle connections.
    pub fn open(connections: usize) -> Result<Self> {
        let bore = bore()?;
        let address = own_address();
        let behind = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("a listener")?;
        let port = behind.local_addr().context("its address")?.port();

        let start = |arguments: &[String]| {
            let mut command = Command::new(&bore);
            command.args(arguments).env("TOKIO_WORKER_THREADS", "2").env("RUST_LOG", "error");
            command.stderr(Stdio::null());
            Running::spawn(command)
        };
        let words = |text: String| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let mut server = start(&words(format!("server --bind-addr {address}")))?;
        until("the server listens", || TcpStream::connect((address, CONTROL_PORT)).is_ok())?;

        let public = free_port(address)?;
        let client = start(&words(format!("local {port} --to {address} --port {public}")))?;
        let mut through = Vec::new();
        for _ in 0..connections {
            let mut outside = None;
            until("the tunnel is open", || {
                outside = TcpStream::connect((address, public)).ok();
                outside.is_some()
            })?;
            let mut outside = outside.context("a connection")?;
            let (mut inside, _) = behind.accept().context("accepting")?;
            // One byte each way: then both ends are in the state to look at.
            outside.write_all(b"?").context("sending")?;
            inside.read_exact(&mut [0]).context("receiving")?;
            inside.write_all(b"!").context("sending")?;
            outside.read_exact(&mut [0]).context("receiving")?;
            through.push((outside, inside));
        }
        // Only then is the picture the same however long a test takes.
        std::thread::sleep(STALE_AFTER + Duration::from_millis(500));
        server.come_to_rest()?;
        Ok(Self { server, client, _behind: behind, _connections: through })
    }
}

/// A port that nobody listens on at the moment.
pub(crate) fn free_port(address: Ipv4Addr) -> Result<u16> {
    let listener = TcpListener::bind((address, 0)).context("a free port")?;
    Ok(listener.local_addr().context("its address")?.port())
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Result<()> {
    let begun = Instant::now();
    while !is_so() {
        ensure!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
