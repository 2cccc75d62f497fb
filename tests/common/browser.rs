//! A real, headless Chromium, driven as any other client would: over HTTP, by the WebDriver protocol of its own chromedriver.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The key Enter, as the protocol names it.
pub const ENTER: &str = "\u{e007}";

/// A browser with one window; ended when it is let go of.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// A window of this size, in CSS pixels, for a reader who wants it `light` or `dark`.
    pub fn open(width: u32, height: u32, scheme: &str) -> Browser {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver cannot be run: {error} (Debian: chromium, chromium-driver)"));
        let port = port(&mut driver);
        let profile = TempDir::new().expect("a temporary folder");
        let mut browser = Browser { driver, port, session: String::new(), _profile: profile };
        let args = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            format!("--user-data-dir={}", browser._profile.path().display()),
            format!("--window-size={width},{height}"),
        ];
        let always = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {"args": args},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        });
        let made = browser.ask("POST", "/session", &json!({"capabilities": {"alwaysMatch": always}}));
        browser.session = made["sessionId"].as_str().expect("a session").to_owned();
        browser.devtools(
            "Emulation.setEmulatedMedia",
            &json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}),
        );
        browser
    }

    /// Opens a file.
    pub fn go(&self, path: &Path) {
        self.post("url", &json!({"url": format!("file://{}", path.display())}));
    }

    /// What a function's body gives.
    pub fn run(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({"script": script, "args": []}))
    }

    /// What a function's body gives that calls `arguments[0]` when it is done.
    pub fn run_async(&self, script: &str) -> Value {
        self.post("execute/async", &json!({"script": script, "args": []}))
    }

    /// Clicks in the middle of an element, as a person with a mouse would: what stands before it would get the click.
    pub fn click(&self, css: &str) {
        let found = self.post("element", &json!({"using": "css selector", "value": css}));
        let id = found.as_object().and_then(|one| one.values().next()).and_then(Value::as_str).expect("an element");
        self.post(&format!("element/{id}/click"), &json!({}));
    }

    /// Presses a key and lets it go, wherever the focus is.
    pub fn press(&self, key: &str) {
        let keys = [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        self.post("actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": keys}]}));
    }

    /// What the console says, each message with its level.
    pub fn console(&self) -> Vec<String> {
        let log = self.post("se/log", &json!({"type": "browser"}));
        let entries = log.as_array().expect("a log").iter();
        entries.map(|entry| format!("{} {}", entry["level"], entry["message"])).collect()
    }

    /// Everything that pages from disk asked for, themselves among it; the page of a new tab asks for a good deal, too.
    pub fn requests(&self) -> Vec<String> {
        let log = self.post("se/log", &json!({"type": "performance"}));
        let entries = log.as_array().expect("a log").iter();
        let messages = entries.filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok());
        let sent = messages.filter(|one| one["message"]["method"] == "Network.requestWillBeSent");
        let params = sent.map(|one| one["message"]["params"].clone());
        let ours = params.filter(|one| one["documentURL"].as_str().is_some_and(|page| page.starts_with("file:")));
        ours.map(|one| one["request"]["url"].as_str().expect("a URL").to_owned()).collect()
    }

    /// A command of the browser's own protocol.
    pub fn devtools(&self, command: &str, params: &Value) -> Value {
        self.post("goog/cdp/execute", &json!({"cmd": command, "params": params}))
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("/session/{}/{path}", self.session), body)
    }

    /// The value of an answer.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = request(self.port, method, path, &body.to_string());
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert!(status == 200, "{method} {path}: {}", answer["value"]["message"]);
        answer["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser with the session; a failing test ends the driver all the same.
        let ended =
            std::panic::catch_unwind(|| request(self.port, "DELETE", &format!("/session/{}", self.session), ""));
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        assert!(ended.is_ok() || std::thread::panicking(), "the browser does not end");
    }
}

/// The port that the driver has chosen and tells.
fn port(driver: &mut Child) -> u16 {
    let begun = Instant::now();
    let lines = BufReader::new(driver.stdout.take().expect("a pipe")).lines();
    for line in lines.map_while(Result::ok) {
        let said = line.split("started successfully on port ").nth(1);
        if let Some(port) = said.and_then(|rest| rest.trim_end_matches('.').parse().ok()) {
            return port;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "chromedriver does not start");
    }
    panic!("chromedriver ended before it told its port")
}

/// Status and body of an answer.
fn request(port: u16, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection to chromedriver");
    stream.set_read_timeout(Some(Duration::from_secs(120))).expect("a timeout");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).expect("a request");
    let mut reader = BufReader::new(stream);
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("an answer");
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest[..3].parse().expect("a status");
        } else if let Some(rest) = line.strip_prefix("content-length:") {
            length = rest.trim().parse().expect("a length");
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    (status, String::from_utf8(body).expect("UTF-8"))
}
