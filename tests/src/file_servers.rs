//! Servers of files that nobody here wrote, with clients that do not go on: `miniserve` on actix and
//! `static-web-server` on hyper.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use xtask::fixture::Running;
use xtask::workspace::target;

use crate::connections::{Connections, HALF_A_HEAD, Talk};
use crate::third_party::{free_port, install, until};

/// More than the buffers of a connection hold, in bytes.
const LARGE: u64 = 64 << 20;

/// A whole request, and nothing after the answer: the connection is kept alive.
const IDLE: Talk<'_> = (b"GET /small.txt HTTP/1.1\r\nHost: test\r\n\r\n", Some("small contents\n"));
/// An answer that nobody reads.
const UNREAD: Talk<'_> = (b"GET /large.bin HTTP/1.1\r\nHost: test\r\n\r\n", None);
/// A file that is half uploaded.
const HALF_AN_UPLOAD: Talk<'_> = (
    b"POST /upload?path=/ HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\
      Content-Type: multipart/form-data; boundary=x\r\n\r\n\
      --x\r\nContent-Disposition: form-data; name=\"path\"; filename=\"half.txt\"\r\n\r\nhalf",
    None,
);

/// A server of files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileServer {
    /// `miniserve`, on actix: a runtime and a `LocalSet` for each of its threads.
    Miniserve,
    /// `static-web-server`, on hyper 0.14.
    StaticWebServer,
}

impl FileServer {
    /// Its name as a package.
    pub fn package(self) -> &'static str {
        match self {
            Self::Miniserve => "miniserve",
            Self::StaticWebServer => "static-web-server",
        }
    }

    fn build(self) -> Result<PathBuf> {
        // Without TLS and compression, which take long to build and are not asked for.
        match self {
            Self::Miniserve => install(self.package(), "0.35.0", &BARE, self.package()),
            Self::StaticWebServer => {
                let options = [&BARE[..], &["--features", "directory-listing"]].concat();
                install(self.package(), "2.42.0", &options, self.package())
            }
        }
    }

    /// What its clients do.
    fn talks(self) -> &'static [Talk<'static>] {
        match self {
            Self::Miniserve => &[IDLE, HALF_A_HEAD, UNREAD, HALF_AN_UPLOAD],
            Self::StaticWebServer => &[IDLE, HALF_A_HEAD, UNREAD],
        }
    }

    /// Builds and starts it.
    pub fn start(self) -> Result<(Running, SocketAddr)> {
        let mut command = Command::new(self.build()?);
        let folder = self.folder()?;
        let port = free_port(Ipv4Addr::LOCALHOST)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let host = Ipv4Addr::LOCALHOST.to_string();
        match self {
            Self::Miniserve => {
                command.args(["--interfaces", &host, "--port", &port.to_string()]);
                command.args(["--upload-files", "/", "--"]).arg(folder);
            }
            Self::StaticWebServer => {
                command.args(["--host", &host, "--port", &port.to_string(), "--root"]).arg(folder);
            }
        }
        command.stderr(Stdio::null());
        let running = Running::spawn(command)?;
        until("the server listens", || TcpStream::connect(address).is_ok())?;
        Ok((running, address))
    }

    /// The folder that it serves, which no other does: what is written here is read there.
    fn folder(self) -> Result<PathBuf> {
        let folder = target().join("third-party/files").join(self.package());
        std::fs::create_dir_all(&folder).context("creating a folder")?;
        write(&folder.join("small.txt"), |file| std::fs::write(file, "small contents\n"))?;
        write(&folder.join("large.bin"), |file| std::fs::File::create(file)?.set_len(LARGE))?;
        Ok(folder)
    }

    /// Opens a connection in each state and waits until the server is at rest.
    pub fn stand_still(self, server: &mut Running, address: SocketAddr) -> Result<Connections> {
        // What a connection before has uploaded may be there, and would be refused now.
        let uploaded = target().join("third-party/files").join(self.package()).join("half.txt");
        if uploaded.exists() {
            std::fs::remove_file(&uploaded).context("removing what was uploaded")?;
        }
        let connections = Connections::open(address, self.talks())?;
        server.come_to_rest()?;
        Ok(connections)
    }
}

/// cargo's option for as little as possible.
const BARE: [&str; 1] = ["--no-default-features"];

fn write(file: &Path, make: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
    make(file).with_context(|| format!("writing {}", file.display()))
}
