//! Locations as they are written and shown.

use secrecy::SecretString;

use crate::Location;

fn postgres(url: &str) -> Result<Location, String> {
    Location::postgres(SecretString::from(url)).map_err(|error| error.to_string())
}

#[test]
fn a_location_is_shown_without_its_password() {
    for url in [
        "postgres://alice:s3cr3t@db.example:5433/hallpass",
        "postgresql://alice@db.example:5433/hallpass?password=s3cr3t&sslmode=require",
    ] {
        let location = postgres(url).unwrap();
        let shown = format!("{location} {location:?}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
        assert_eq!(
            location.to_string(),
            "PostgreSQL database \"hallpass\" at db.example:5433 as \"alice\""
        );
        assert!(location.is_shared());
    }
}

#[test]
fn the_way_is_private_on_this_machine_or_to_a_server_that_shows_a_certificate() {
    let is_private = |rest: &str| postgres(&format!("postgres://{rest}")).unwrap().is_private();
    for rest in [
        "127.0.0.1/x",
        "[::1]:5433/x",
        "localhost/x",
        "%2Frun%2Fpostgresql/x",
        "db.example/x?sslmode=verify-full",
        "db.example/x?sslmode=verify-ca",
    ] {
        assert!(is_private(rest), "{rest}");
    }
    for rest in
        ["10.0.0.7/x", "db.example/x", "localhost.example/x", "db.example/x?sslmode=require"]
    {
        assert!(!is_private(rest), "{rest}");
    }
}

#[test]
fn what_is_no_url_of_a_database_is_refused_without_being_shown() {
    for (url, problem) in [
        ("", "does not begin with postgres://"),
        ("mysql://alice:s3cr3t@db/hallpass", "does not begin with postgres://"),
        ("s3cr3t", "does not begin with postgres://"),
        ("postgres://alice:s3cr3t@db:port/hallpass", "it is no URL"),
        ("postgres://alice:s3cr3t@db", "names no database"),
        ("postgres://alice:s3cr3t@db/hallpass?sslmode=s3cr3t", "a parameter"),
        ("postgres://alice@db/hallpass?passwd=s3cr3t", "\"passwd\" is unknown here"),
    ] {
        let refused = postgres(url).err().unwrap();
        assert!(refused.contains(problem), "{refused}");
        assert!(!refused.contains("s3cr3t"), "{refused}");
        assert!(refused.ends_with("right: postgres://USER:PASSWORD@HOST:PORT/DATABASE"));
    }
}
