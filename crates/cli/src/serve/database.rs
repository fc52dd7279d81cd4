//! A service's database: its own SQLite file, or the PostgreSQL database that the configuration names.
//!
//! Invariant: what is said about a database names the setting, the host and the database, and never a password.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hallpass_guard::Clock;
use hallpass_revocation::Freshness;
use hallpass_revocation::feed::Timing;
use hallpass_server::{Config, DatabaseUrl, Ready};
use hallpass_store::{Location, Owner, OwnerError};
use hallpass_telemetry::spawn_watched;
use hallpass_token::SecretRef;
use secrecy::{ExposeSecret as _, SecretString};

use crate::failure::Failure;
use crate::secrets;
use crate::serve::node::MAX_STALENESS;

/// How long the connection of a process that was killed may take to end.
const FORMER_OWNER_ENDS_WITHIN: Duration = Duration::from_secs(10);

/// How often a database is asked whether it answers.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Where the configuration says that a service's database is; `own` if it says nothing.
pub(super) fn location(
    config: &Config,
    service: &'static str,
    own: Location,
) -> Result<Location, Failure> {
    let Some(database) = &config.database else { return Ok(own) };
    let referred = |place: SecretRef| (place.to_string(), secrets::fetch(&place));
    let (place, url) = match &database.url {
        DatabaseUrl::Variable(name) => referred(SecretRef::Env(name.clone())),
        DatabaseUrl::File(path) => referred(SecretRef::File(path.display().to_string())),
        DatabaseUrl::Plain(url) => ("the URL".to_owned(), Ok(url.clone().into())),
    };
    let wrong =
        |problem: &dyn fmt::Display| Failure::failed(format_args!("database: {place}: {problem}"));
    let url = url.map_err(|problem| wrong(&problem))?;
    let url = SecretString::from(url.expose_secret().trim());
    let location = Location::postgres(url).map_err(|error| wrong(&error))?.in_schema(service);
    if !database.plaintext && !location.is_private() {
        return Err(wrong(&format_args!(
            "{location} is beyond loopback, and nothing proves who answers there; right: ?sslmode=verify-full behind the URL (with \
             sslrootcert=FILE for certificates of your own), or insecure_plaintext"
        )));
    }
    Ok(location)
}

/// Makes this process the one that owns the database: without NATS, one process alone knows what was revoked, redeemed and opened. A Platform
/// that does not is as stale as one that has not heard from its issuer.
pub(super) async fn own(
    location: &Location,
    freshness: &Freshness,
    clock: &Clock,
) -> Result<(), Failure> {
    let owner = match Owner::take(location, FORMER_OWNER_ENDS_WITHIN).await {
        Ok(Some(owner)) => owner,
        Ok(None) => return Ok(()),
        Err(OwnerError::Another(location)) => {
            return Err(Failure::failed(format_args!(
                "another Platform runs on {location}, and without [nats] neither would know what the other revokes, redeems and opens:                  stop it, or give both a [nats] section (docs/nats.md)"
            )));
        }
        Err(error) => return Err(Failure::failed(error)),
    };
    let every = Timing::within(MAX_STALENESS).probe_every;
    let (clock, freshness) = (clock.clone(), freshness.clone());
    freshness.proven_at(clock.boot());
    spawn_watched(
        "hold of the database",
        owner.hold(every, move || clock.boot(), move |asked| freshness.proven_at(asked)),
    );
    Ok(())
}

/// Asks now and then whether a database answers, so that health says so without waiting for it. It answered a moment ago.
pub(super) fn watch<W, E: fmt::Display + Send>(
    service: &'static str,
    ask: impl Fn() -> W + Send + 'static,
) -> Ready
where
    W: Future<Output = Result<(), E>> + Send,
{
    let answering = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&answering);
    spawn_watched("watch over the database", async move {
        let mut every = tokio::time::interval(ASK_EVERY);
        loop {
            every.tick().await;
            let answer = ask().await;
            let before = answering.swap(answer.is_ok(), Ordering::Relaxed);
            match answer {
                Ok(()) if !before => tracing::info!(service, "the store answers again"),
                Err(error) if before => tracing::error!(service, %error, "the store is away"),
                _ => {}
            }
        }
    });
    Arc::new(move || seen.load(Ordering::Relaxed))
}
