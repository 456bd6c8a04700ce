//! The REST interface: requests, and the events of applications.

use crate::ua::PATIENCE;
use serde_json::Value;
use std::io::ErrorKind;
use std::net::{IpAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tungstenite::{client, Message};

/// The port of the HTTP server.
pub const PORT: u16 = 8088;
const KEY: &str = "api_key=test:test";

/// The REST interface of one Asterisk.
pub struct Ari {
    host: String,
    agent: ureq::Agent,
}

impl Ari {
    pub(super) fn new(address: IpAddr) -> Ari {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        Ari { host: format!("{address}:{PORT}"), agent: config.into() }
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut url = format!("http://{}/ari{path}?{KEY}", self.host);
        for (name, value) in query {
            url.push_str(&format!("&{name}={}", crate::ua::call::escaped(value)));
        }
        url
    }

    /// GET with a query: the status code and the body.
    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> (u16, Value) {
        Ari::read(self.agent.get(self.url(path, query)).call())
    }

    /// POST with a query and no body: the status code and the body.
    pub fn post(&self, path: &str, query: &[(&str, &str)]) -> (u16, Value) {
        let answer = self.agent.post(self.url(path, query)).send_empty();
        Ari::read(answer)
    }

    /// POST with a query and a body.
    pub fn post_json(&self, path: &str, query: &[(&str, &str)], body: &Value) -> (u16, Value) {
        let request = self.agent.post(self.url(path, query));
        Ari::read(request.header("Content-Type", "application/json").send(body.to_string()))
    }

    fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
        let mut answer = answer.expect("the REST interface answers");
        let text = answer.body_mut().read_to_string().expect("a body");
        let value = serde_json::from_str(&text).unwrap_or(Value::Null);
        (answer.status().as_u16(), value)
    }

    /// Becomes an application of this name and listens to its events until it is dropped.
    pub fn application(&self, name: &str) -> Application {
        let socket = TcpStream::connect(&self.host).expect("the REST interface listens");
        let url = format!("ws://{}/ari/events?{KEY}&app={name}", self.host);
        let handle = socket.try_clone().expect("a second handle");
        let (mut events, _) = client(url, socket).expect("the REST interface opens a websocket");
        let shared = Arc::new(Shared::default());
        let listener = shared.clone();
        thread::spawn(move || loop {
            match events.read() {
                Ok(Message::Text(text)) => {
                    let value = serde_json::from_str(&text).unwrap_or(Value::Null);
                    listener.events.lock().unwrap_or_else(PoisonError::into_inner).push(value);
                    listener.changed.notify_all();
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(cause)) if cause.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        });
        Application { name: name.to_owned(), shared, socket: handle }
    }
}

#[derive(Default)]
struct Shared {
    events: Mutex<Vec<Value>>,
    changed: Condvar,
}

/// An application that is subscribed to its events.
pub struct Application {
    /// Its name.
    pub name: String,
    shared: Arc<Shared>,
    socket: TcpStream,
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }
}

impl Application {
    /// All events by now.
    pub fn events(&self) -> Vec<Value> {
        self.shared.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for the `nth` event of this type, counted from 0, that `test` takes.
    pub fn wait(&self, kind: &str, nth: usize, test: impl Fn(&Value) -> bool) -> Value {
        match self.wait_for(PATIENCE, kind, nth, test) {
            Some(event) => event,
            None => {
                let kinds: Vec<String> =
                    self.events().iter().map(|event| event["type"].to_string()).collect();
                panic!("waited in vain for {kind}: there were {kinds:?}")
            }
        }
    }

    /// The same, but that it does not come is an answer too.
    pub fn wait_for(
        &self,
        patience: Duration,
        kind: &str,
        nth: usize,
        test: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        let end = Instant::now() + patience;
        let mut events = self.shared.events.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let wanted = |event: &&Value| event["type"] == kind && test(event);
            if let Some(event) = events.iter().filter(wanted).nth(nth) {
                return Some(event.clone());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            events = self.shared.changed.wait_timeout(events, left).expect("no panic").0;
        }
    }
}
