//! What is particular to a PostgreSQL server: it may be away, and it may refuse.

use secrecy::SecretString;
use sqlx::any::AnyConnectOptions;
use tempfile::TempDir;

use super::STEPS;
use super::proxy::Proxy;
use crate::{Location, OpenError, Problem, Store, testing};

/// The server's URL with something else in it.
fn with(server: &str, change: impl FnOnce(&mut AnyConnectOptions)) -> String {
    let mut options: AnyConnectOptions = server.parse().unwrap();
    change(&mut options);
    options.database_url.to_string()
}

async fn refused(url: &str) -> OpenError {
    let location = Location::postgres(SecretString::from(url)).unwrap();
    let refused = Store::open(&location, &STEPS).await.err().unwrap();
    let password = url.split([':', '@']).nth(2).unwrap();
    let said = format!("{refused} {refused:?}");
    assert!(!said.contains(password), "the password is shown");
    assert!(said.contains("127.0.0.1"), "{said}");
    refused
}

#[tokio::test]
async fn a_refusal_says_what_is_wrong() {
    let Some(server) = testing::server() else { return };
    let wrong = with(&server, |url| url.database_url.set_password(Some("s3cr3t")).unwrap());
    let wrong = refused(&wrong).await;
    assert!(matches!(wrong.problem, Problem::Refused(_)), "{wrong:?}");
    assert!(wrong.to_string().contains("password authentication failed"), "{wrong}");

    let missing = with(&server, |url| url.database_url.set_path("/missing"));
    let missing = refused(&missing).await;
    assert!(matches!(missing.problem, Problem::NoDatabase(_)), "{missing:?}");
    assert!(missing.to_string().contains("PostgreSQL database \"missing\" at 127.0.0.1"));

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let absent = with(&server, |url| url.database_url.set_port(Some(free.port())).unwrap());
    let absent = refused(&absent).await;
    assert!(matches!(absent.problem, Problem::Unreachable(_)), "{absent:?}");
}

#[tokio::test]
async fn a_server_that_was_away_is_found_again() {
    let Some(server) = testing::server() else { return };
    let options: AnyConnectOptions = server.parse().unwrap();
    let at = format!("127.0.0.1:{}", options.database_url.port().unwrap());
    let mut proxy = Proxy::to(&at).await;
    let port = proxy.address.port();
    let through = with(&server, |url| url.database_url.set_port(Some(port)).unwrap());
    let folder = TempDir::new().unwrap();
    let location = testing::schema(&through, folder.path()).await;
    let store = Store::open(&location, &STEPS).await.unwrap();
    store.own_key("pages", &[1; 32]).await.unwrap();
    proxy.cut().await;
    assert!(store.ping().await.is_err());
    proxy.mend().await;
    store.ping().await.unwrap();
    assert_eq!(store.own_key("pages", &[3; 32]).await.unwrap(), [1; 32]);
}

#[tokio::test]
async fn two_services_share_a_database_and_no_table() {
    let Some(server) = testing::server() else { return };
    let chance = u128::from_be_bytes(crate::random().unwrap());
    let name: &'static str = format!("two_{chance}").leak();
    let other: &'static str = format!("{name}_other").leak();
    let at = |schema| Location::postgres(SecretString::from(&*server)).unwrap().in_schema(schema);
    let (one, again) =
        tokio::join!(async { Store::open(&at(name), &STEPS).await.unwrap() }, async {
            Store::open(&at(name), &STEPS).await.unwrap()
        },);
    let other = Store::open(&at(other), &STEPS).await.unwrap();
    assert_eq!(one.own_key("pages", &[1; 32]).await.unwrap(), [1; 32]);
    assert_eq!(again.own_key("pages", &[2; 32]).await.unwrap(), [1; 32]);
    assert_eq!(other.own_key("pages", &[3; 32]).await.unwrap(), [3; 32]);
}
