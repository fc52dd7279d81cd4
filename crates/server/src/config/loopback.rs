//! Beyond this machine nothing is plaintext, unless someone has said so in as many words.

use super::{Config, Problem};

pub(super) fn check(config: &Config, plaintext: bool) -> Result<(), Problem> {
    if config.development && !config.listen.ip().is_loopback() {
        let problem =
            format!("not with listen = {}, which is beyond loopback; right: false", config.listen);
        return Err(Problem { key: "development".to_owned(), source: None, problem });
    }
    if plaintext {
        return Ok(());
    }
    if config.tls.is_none() && !config.listen.ip().is_loopback() {
        let problem = format!(
            "{} is beyond loopback and there is no [tls]; give tls.cert and tls.key, listen on 127.0.0.1, or set \
             insecure_plaintext",
            config.listen
        );
        return Err(Problem { key: "listen".to_owned(), source: None, problem });
    }
    for (name, peer) in &config.peers {
        if !peer.is_private() {
            let problem = format!(
                "{} is beyond loopback and not https; use https, or set insecure_plaintext",
                peer.address()
            );
            return Err(Problem { key: format!("peers.{name}.address"), source: None, problem });
        }
    }
    Ok(())
}
