//! Where a service's database is said to be.
//!
//! Invariant: no password is in a configuration. A URL that has one is refused without being shown; it stands in a variable or a
//! file, and the configuration says in which.

use std::path::PathBuf;

use super::Problem;

/// A database, as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Where its URL is.
    pub url: DatabaseUrl,
    /// Whether it may be reached beyond loopback without TLS.
    pub plaintext: bool,
}

/// Where a database's URL is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// In this variable.
    Variable(String),
    /// In this file.
    File(PathBuf),
    /// Here, as it has no password.
    Plain(String),
}

const RIGHT: &str = "right: env:NAME or file:PATH, which hold postgres://USER:PASSWORD@HOST:PORT/DATABASE, or that URL without a \
                     password";

pub(super) fn parse(written: &str, plaintext: bool) -> Result<Database, Problem> {
    let url = match written.split_once(':') {
        Some(("env", name)) if !name.is_empty() => DatabaseUrl::Variable(name.to_owned()),
        Some(("file", path)) if !path.is_empty() => DatabaseUrl::File(path.into()),
        Some(("postgres" | "postgresql", _)) if has_password(written) => {
            return Err(problem("the URL has a password, which others can read here"));
        }
        Some(("postgres" | "postgresql", _)) => DatabaseUrl::Plain(written.to_owned()),
        _ => return Err(problem("this names no database")),
    };
    Ok(Database { url, plaintext })
}

fn problem(what: &str) -> Problem {
    Problem { key: "database".to_owned(), source: None, problem: format!("{what}; {RIGHT}") }
}

/// Whether there is a password before the host or among the parameters. What looks like one counts, too.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, behind) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let before_host = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    before_host || behind.contains('@') || behind.to_lowercase().contains("password")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_database_is_named_in_three_ways() {
        let url = |written| parse(written, false).unwrap().url;
        assert_eq!(url("env:DB_URL"), DatabaseUrl::Variable("DB_URL".to_owned()));
        assert_eq!(url("file:/run/secrets/db"), DatabaseUrl::File("/run/secrets/db".into()));
        let plain = "postgresql://hallpass@[::1]:5433/hallpass?sslmode=verify-full";
        assert_eq!(url(plain), DatabaseUrl::Plain(plain.to_owned()));
    }

    #[test]
    fn a_password_is_refused_and_not_shown() {
        for written in [
            "postgres://alice:s3cr3t@db/hallpass",
            "postgresql://:s3cr3t@/hallpass",
            "postgres://alice:s3/cr3t@db/hallpass",
            "postgres://alice@db/hallpass?password=s3cr3t",
            "postgres://alice@db/hallpass?sslmode=require&PassWord=s3cr3t",
        ] {
            let refused = parse(written, false).unwrap_err().to_string();
            assert!(refused.starts_with("database: the URL has a password"), "{refused}");
            assert!(refused.contains("right: env:NAME or file:PATH"), "{refused}");
            assert!(!refused.contains("cr3t"), "{refused}");
        }
    }

    #[test]
    fn what_names_nothing_is_refused_and_not_shown() {
        for written in ["", "s3cr3t", "env:", "file:", "mysql://alice:s3cr3t@db/x", "ssm:/s3cr3t"] {
            let refused = parse(written, false).unwrap_err().to_string();
            assert!(refused.starts_with("database: this names no database; right:"), "{refused}");
            assert!(!refused.contains("s3cr3t"), "{refused}");
        }
    }
}
