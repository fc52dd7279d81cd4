//! One issuer and two followers, each a process of its own with state of its own, at addresses that stay.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

use crate::mesh::{Mesh, Node};

/// How long a call may take; a node that was killed in the middle of one never answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// The processes and their folders.
pub(crate) struct Fleet {
    pub(crate) posts: Vec<Post>,
    /// The keys, and the issuer's state.
    pub(crate) data: TempDir,
    _others: TempDir,
}

/// A place where a node runs, is killed, and runs again.
pub(crate) struct Post {
    pub(crate) role: &'static str,
    address: String,
    data: PathBuf,
    peer: String,
    node: Mutex<Option<Node>>,
}

impl Fleet {
    /// Keys for all; nobody runs yet.
    pub(crate) fn new() -> Self {
        let data = Mesh::up().kill();
        let others = tempfile::tempdir().expect("a folder");
        let issuer = free_address();
        let mut posts = Vec::new();
        for place in 1..=2 {
            let folder = others.path().join(place.to_string());
            copy(&data.path().join("keys"), &folder.join("keys"));
            posts.push(Post::new("labeler", folder, issuer.clone(), free_address()));
        }
        let labeler = posts[0].address.clone();
        posts.push(Post::new("platform", data.path().to_owned(), labeler, issuer));
        Self { posts, data, _others: others }
    }

    /// The node that owns the list.
    pub(crate) fn issuer(&self) -> &Post {
        self.posts.iter().find(|post| post.is_issuer()).expect("there is one")
    }
}

impl Post {
    fn new(role: &'static str, data: PathBuf, peer: String, address: String) -> Self {
        Self { role, address, data, peer, node: Mutex::new(None) }
    }

    /// Whether the list is its own.
    pub(crate) fn is_issuer(&self) -> bool {
        self.role == "platform"
    }

    /// Where its list is.
    pub(crate) fn list(&self) -> PathBuf {
        self.data.join(self.role).join("revocations")
    }

    /// Starts it and waits for the line that says that it listens.
    pub(crate) fn start(&self) {
        let node = Node::start(&self.arguments().each_ref().map(String::as_str), &[]);
        *self.node.lock().expect("nobody panicked") = Some(node);
    }

    /// Kill -9.
    pub(crate) fn kill(&self) {
        let node = self.node.lock().expect("nobody panicked").take();
        node.expect("it runs").kill();
    }

    /// Starts it and kills it soon afterwards, wherever it is by then.
    pub(crate) fn kill_while_starting(&self, after: Duration) {
        Node::kill_while_starting(&self.arguments().each_ref().map(String::as_str), after);
    }

    /// A connection that is made anew whenever the node comes back.
    pub(crate) fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address));
        endpoint.expect("an address").timeout(PATIENCE).connect_lazy()
    }

    fn arguments(&self) -> [String; 7] {
        let peer = if self.is_issuer() { "--labeler" } else { "--platform" };
        let data = self.data.to_str().expect("text").to_owned();
        let address = self.address.clone();
        let texts = [self.role, "--data", "", "--listen", "", peer, ""].map(str::to_owned);
        let [role, flag, _, listen, _, peer, _] = texts;
        [role, flag, data, listen, address, peer, format!("http://{}", self.peer)]
    }
}

/// Copies a folder as it is on disk.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for item in std::fs::read_dir(from).expect("the folder is there") {
        let item = item.expect("it can be read");
        let target = to.join(item.file_name());
        if item.file_type().expect("a type").is_dir() {
            copy(&item.path(), &target);
        } else {
            std::fs::copy(item.path(), target).expect("it can be copied");
        }
    }
}

/// An address on loopback that was free a moment ago.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}
