//! A tiny HTTP/1.1 server on loopback, whose answers are bytes.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it does with each request: path in, bytes out.
type Answer = Box<dyn FnMut(&str) -> Reply + Send>;

/// How it answers.
pub(super) enum Reply {
    /// With these bytes, and then it hangs up.
    Bytes(Vec<u8>),
    /// With these bytes again and again, until the other side hangs up.
    Endless(Vec<u8>, Vec<u8>),
    /// Not at all, and does not hang up either.
    Silence,
}

/// A server, ended when dropped.
pub(super) struct Server {
    pub(super) url: String,
    /// The head of each request.
    heads: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(answer: impl FnMut(&str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&heads);
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Box::new(answer)));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&answer), Arc::clone(&asked)));
            }
        });
        Self { url, heads, task }
    }

    /// The paths that it was asked for.
    pub(super) fn requests(&self) -> Vec<String> {
        self.heads().iter().map(|head| path(head)).collect()
    }

    /// The heads of the requests that it had.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut socket: TcpStream, answer: Arc<Mutex<Answer>>, asked: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut more = [0; 1024];
        match socket.read(&mut more).await {
            Ok(read @ 1..) => request.extend_from_slice(&more[..read]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&request).into_owned();
    let reply = (answer.lock().unwrap())(&path(&head));
    asked.lock().unwrap().push(head);
    match reply {
        Reply::Bytes(bytes) => drop(socket.write_all(&bytes).await),
        Reply::Endless(head, body) => {
            let _ = socket.write_all(&head).await;
            while socket.write_all(&body).await.is_ok() {}
        }
        Reply::Silence => {
            let _ = socket.read(&mut [0; 1]).await;
        }
    }
}

fn path(head: &str) -> String {
    head.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// An answer of this status, with these header lines and this body.
pub(super) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    Reply::Bytes([head.as_bytes(), body].concat())
}

/// The usual answer.
pub(super) fn json(body: &str) -> Reply {
    answer("200 OK", "Content-Type: application/json; charset=utf-8\r\n", body)
}
