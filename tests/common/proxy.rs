//! A way to a server that can be cut, stalled or slowed down at any byte.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

/// What happens behind so many bytes that went one way, over all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    Nothing,
    /// The connection that carried the last of them is cut.
    CutOne(Way, usize),
    /// All are cut, and no other is let through.
    CutAll(Way, usize),
    /// Nothing goes through any more, either way, and nobody is told.
    Stall(Way, usize),
    /// Each piece waits.
    Delay(Duration),
    /// A message that holds this text gets through, and its answer does not: the connection is cut.
    LoseAnswer(&'static str),
}

/// A proxy on a port of its own.
pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    server: u16,
    trouble: Trouble,
    to_server: AtomicUsize,
    to_client: AtomicUsize,
    has_struck: AtomicBool,
    /// The answer is on its way that will not arrive.
    is_awaited: AtomicBool,
    is_over: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// In front of a server on a port of loopback.
    pub fn new(server: u16, trouble: Trouble) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its port").port();
        let shared = Arc::new(Shared {
            server,
            trouble,
            to_server: AtomicUsize::new(0),
            to_client: AtomicUsize::new(0),
            has_struck: AtomicBool::new(false),
            is_awaited: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            streams: Mutex::new(Vec::new()),
        });
        let own = Arc::clone(&shared);
        let listening = std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if own.is_over.load(Ordering::SeqCst) {
                    return;
                }
                connect(&own, client);
            }
        });
        Proxy { port, shared, listening: Some(listening) }
    }

    /// How many bytes have gone one way.
    pub fn bytes(&self, way: Way) -> usize {
        self.shared.count(way).load(Ordering::SeqCst)
    }

    /// Whether the trouble has come.
    pub fn has_struck(&self) -> bool {
        self.shared.has_struck.load(Ordering::SeqCst)
    }

    /// A URL by which the server is reached through here.
    pub fn url(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).expect("a URL");
        url.set_port(Some(self.port)).expect("a URL with a host");
        url.into()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.shared.cut();
        // The listener looks up.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

fn connect(shared: &Arc<Shared>, client: TcpStream) {
    let is_closed = matches!(shared.trouble, Trouble::CutAll(..)) && shared.has_struck.load(Ordering::SeqCst);
    let Ok(server) = TcpStream::connect(("127.0.0.1", shared.server)) else { return };
    if is_closed {
        return;
    }
    let mut streams = shared.streams.lock().expect("no panic");
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("a socket");
        streams.push(stream.try_clone().expect("a socket"));
    }
    drop(streams);
    let pairs = [(Way::ToServer, &client, &server), (Way::ToClient, &server, &client)];
    for (way, from, to) in pairs {
        let (from, to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
        let shared = Arc::clone(shared);
        std::thread::spawn(move || shared.carry(way, from, to));
    }
}

impl Shared {
    fn count(&self, way: Way) -> &AtomicUsize {
        if way == Way::ToServer { &self.to_server } else { &self.to_client }
    }

    fn cut(&self) {
        for stream in self.streams.lock().expect("no panic").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn carry(&self, way: Way, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 4096];
        while let Ok(count) = from.read(&mut buffer)
            && count > 0
        {
            if let Trouble::Delay(time) = self.trouble {
                std::thread::sleep(time);
            }
            if let Trouble::LoseAnswer(text) = self.trouble {
                let holds = buffer[..count].windows(text.len()).any(|part| part == text.as_bytes());
                match way {
                    Way::ToServer if holds && !self.has_struck.swap(true, Ordering::SeqCst) => {
                        self.is_awaited.store(true, Ordering::SeqCst);
                    }
                    Way::ToClient if self.is_awaited.swap(false, Ordering::SeqCst) => {
                        self.cut();
                        break;
                    }
                    _ => {}
                }
            }
            let before = self.count(way).fetch_add(count, Ordering::SeqCst);
            let strikes = match self.trouble {
                Trouble::CutOne(of, at) | Trouble::CutAll(of, at) | Trouble::Stall(of, at) if of == way => {
                    (before < at && at <= before + count).then(|| at - before)
                }
                _ => None,
            };
            if strikes.is_some() {
                self.has_struck.store(true, Ordering::SeqCst);
            } else if self.has_struck.load(Ordering::SeqCst) && matches!(self.trouble, Trouble::Stall(..)) {
                continue;
            }
            if to.write_all(&buffer[..strikes.unwrap_or(count)]).is_err() {
                break;
            }
            match self.trouble {
                Trouble::CutOne(..) if strikes.is_some() => break,
                Trouble::CutAll(..) if strikes.is_some() => self.cut(),
                _ => {}
            }
        }
        if !(self.has_struck.load(Ordering::SeqCst) && matches!(self.trouble, Trouble::Stall(..))) {
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        }
    }
}
