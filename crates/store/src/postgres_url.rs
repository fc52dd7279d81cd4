//! Reads the URLs that libpq reads: what hosts of PostgreSQL give out works as it stands.
//!
//! Invariant: no parameter is left out in silence, and none that makes a connection safer is left out at all.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::any::AnyConnectOptions;

use crate::LocationError;

/// What the library understands.
const UNDERSTOOD: [&str; 13] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "statement-cache-capacity",
];

/// What changes nothing that counts here. `channel_binding` is among them: it protects a password from whoever stands in for the server,
/// and so does `sslmode=verify-full`, without which no server beyond this machine is spoken to.
const LEFT_OUT: [&str; 20] = [
    "channel_binding",
    "client_encoding",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "pgbouncer",
    "sslcertmode",
    "sslcompression",
    "sslnegotiation",
    "sslsni",
    "ssl_min_protocol_version",
    "target_session_attrs",
    "tcp_user_timeout",
];

/// A URL that the library reads as it is meant.
#[derive(Debug)]
pub(crate) struct Url {
    pub(crate) url: SecretString,
    /// How long the first connection may take (`connect_timeout`).
    pub(crate) connect_within: Option<Duration>,
}

pub(crate) fn read(url: &SecretString) -> Result<Url, LocationError> {
    let mut options = parsed(url.expose_secret())?;
    let mut connect_within = None;
    let mut kept = Vec::new();
    for (name, value) in options.database_url.query_pairs() {
        match &*name {
            "connect_timeout" => connect_within = seconds(&value)?,
            // It names the system's authorities, which count where none are named.
            "sslrootcert" if value == "system" => {}
            "host" if value.contains(',') => return Err(several()),
            name if UNDERSTOOD.contains(&name) || name.starts_with("options[") => {
                kept.push((name.to_owned(), value.into_owned()));
            }
            name if LEFT_OUT.contains(&name) => {
                tracing::info!(
                    parameter = name,
                    "the database's URL has a parameter that changes nothing here"
                );
            }
            name => {
                return Err(LocationError(format!("the URL's parameter {name:?} is unknown here")));
            }
        }
    }
    options.database_url.set_query(None);
    if !kept.is_empty() {
        options.database_url.query_pairs_mut().extend_pairs(kept);
    }
    Ok(Url { url: options.database_url.as_str().into(), connect_within })
}

fn parsed(url: &str) -> Result<AnyConnectOptions, LocationError> {
    let Some(rest) = ["postgres://", "postgresql://"].iter().find_map(|it| url.strip_prefix(it))
    else {
        return Err(LocationError("it does not begin with postgres://".to_owned()));
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if host.contains(',') {
        return Err(several());
    }
    // A user without a host is no URL elsewhere; here the host may be among the parameters.
    let whole = if host.is_empty() && !user.is_empty() {
        format!("postgres://{user}@localhost{behind}")
    } else {
        format!("postgres://{rest}")
    };
    whole.parse().map_err(|_| LocationError("it is no URL".to_owned()))
}

fn several() -> LocationError {
    LocationError(
        "the URL names several hosts, of which one is wanted: a name that leads to the writer"
            .to_owned(),
    )
}

/// As libpq counts: zero, a negative number and nothing mean no limit of the URL's own.
fn seconds(value: &str) -> Result<Option<Duration>, LocationError> {
    if value.is_empty() {
        return Ok(None);
    }
    let seconds: i64 = value.trim().parse().map_err(|_| {
        LocationError("the URL's parameter \"connect_timeout\" is no number of seconds".to_owned())
    })?;
    Ok(u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn url(written: &str) -> Url {
        read(&SecretString::from(written)).unwrap()
    }

    fn refused(written: &str) -> String {
        read(&SecretString::from(written)).unwrap_err().to_string()
    }

    #[test]
    fn urls_of_hosts_work_as_they_stand() {
        for (written, read) in [
            ("postgresql://u:p@h:5432/d", "postgres://u:p@h:5432/d"),
            (
                "postgres://u:p@h/d?sslmode=require&channel_binding=require",
                "postgres://u:p@h/d?sslmode=require",
            ),
            (
                "postgres://u@h/d?connect_timeout=10&keepalives=1&keepalives_idle=30",
                "postgres://u@h/d",
            ),
            (
                "postgres://u@h/d?sslmode=verify-full&sslrootcert=system",
                "postgres://u@h/d?sslmode=verify-full",
            ),
            (
                "postgres://u@h:6543/d?pgbouncer=true&target_session_attrs=read-write",
                "postgres://u@h:6543/d",
            ),
            (
                "postgres://u:p@/d?host=/run/postgresql",
                "postgres://u:p@localhost/d?host=%2Frun%2Fpostgresql",
            ),
            (
                "postgres:///d?host=/run/postgresql&port=5433",
                "postgres:///d?host=%2Frun%2Fpostgresql&port=5433",
            ),
            ("postgres://%2Frun%2Fpostgresql/d", "postgres://%2Frun%2Fpostgresql/d"),
            (
                "postgres://u@h/d?options=-csearch_path%3Dx",
                "postgres://u@h/d?options=-csearch_path%3Dx",
            ),
            (
                "postgres://u@h/d?options[search_path]=x",
                "postgres://u@h/d?options%5Bsearch_path%5D=x",
            ),
        ] {
            assert_eq!(url(written).url.expose_secret(), read);
        }
    }

    #[test]
    fn the_time_to_connect_is_taken_over() {
        for (written, within) in
            [("10", Some(10)), ("0", None), ("-1", None), ("", None), ("%2010", Some(10))]
        {
            let url = url(&format!("postgres://h/d?connect_timeout={written}"));
            assert_eq!(url.connect_within, within.map(Duration::from_secs), "{written:?}");
        }
        assert!(refused("postgres://h/d?connect_timeout=10s").contains("no number of seconds"));
    }

    #[test]
    fn what_would_make_it_safer_is_not_left_out() {
        for name in ["sslcrl", "require_auth", "requirepeer", "sslpassword", "passfile", "passwd"] {
            let refused = refused(&format!("postgres://u:s3cr3t@h/d?{name}=s3cr3t"));
            assert!(refused.contains(&format!("{name:?} is unknown here")), "{refused}");
            assert!(!refused.contains("s3cr3t"), "{refused}");
        }
    }

    #[test]
    fn one_host_is_named() {
        for written in ["postgres://u:s3cr3t@a:5432,b:5432/d", "postgres:///d?host=a,b"] {
            assert!(refused(written).contains("several hosts"), "{written}");
        }
    }
}
