//! Calls of every kind, through the generated client, the generated adapter and a handler that says what it was given.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod caller;
mod desk;
mod elevated;
mod library;
mod streams;

use hallpass_trial::policy::TokenType;
use hallpass_trial::v1::{
    BatchGetBooksRequest, Book, BurnBookRequest, Choice, CreateBookRequest, GetBookRequest,
    GetHoursRequest, ListBooksRequest, MoveBookRequest, Place, ReadBookRequest, StreamBooksRequest,
};
use hallpass_trial::{FILE_DESCRIPTOR_SET, RULES, SERVICES, rule};
use tokio_stream::StreamExt;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use caller::{call, call_without_guard};
use library::given;

fn get(id: &str) -> GetBookRequest {
    GetBookRequest { book_id: id.to_owned(), card: String::new() }
}

/// The refusal's code and stable reason.
fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    (status.code(), reason)
}

#[tokio::test]
async fn one_id_is_checked_before_the_handler_is_entered() {
    let (mut client, library) = call();
    assert_eq!(given(client.get_book(get("emma")).await), ["emma"]);
    assert_eq!(library.checks(), ["read book emma"]);
    let forbidden = refusal(client.get_book(get("secret")).await);
    assert_eq!(forbidden, (Code::PermissionDenied, "OBJECT_REFUSED".to_owned()));
    let unknown = refusal(client.get_book(get("unknown")).await);
    assert_eq!(unknown, (Code::Unavailable, "CANNOT_DECIDE".to_owned()));
    let empty = refusal(client.get_book(get("")).await);
    assert_eq!(empty, (Code::InvalidArgument, "OBJECT_ID_INVALID".to_owned()));
    assert_eq!(library.entered(), 1);
}

#[tokio::test]
async fn a_parent_in_a_nested_message() {
    let (mut client, library) = call();
    let place = Place { room_id: "a1".to_owned() };
    let book = Book { place: Some(place) };
    assert_eq!(given(client.create_book(CreateBookRequest { book: Some(book) }).await), ["a1"]);
    assert_eq!(library.checks(), ["write room a1"]);
    for book in [None, Some(Book { place: None })] {
        let absent = refusal(client.create_book(CreateBookRequest { book }).await);
        assert_eq!(absent, (Code::InvalidArgument, "OBJECT_ID_INVALID".to_owned()));
    }
    assert_eq!(library.entered(), 1);
}

#[tokio::test]
async fn two_objects_are_both_checked() {
    let (mut client, library) = call();
    let to = |room: Option<&str>| MoveBookRequest {
        book_id: "emma".to_owned(),
        room_id: room.map(str::to_owned),
    };
    assert_eq!(given(client.move_book(to(Some("a1"))).await), ["emma", "a1"]);
    assert_eq!(library.checks(), ["write book emma", "write room a1"]);
    assert_eq!(refusal(client.move_book(to(Some("secret"))).await).0, Code::PermissionDenied);
    assert_eq!(refusal(client.move_book(to(None)).await).0, Code::InvalidArgument);
    assert_eq!(library.entered(), 1);
}

#[tokio::test]
async fn several_ids_all_or_none_and_never_none_at_all() {
    let (mut client, library) = call();
    let of = |ids: &[&str]| BatchGetBooksRequest {
        choice: Some(Choice { book_ids: ids.iter().map(|&id| id.to_owned()).collect() }),
    };
    assert_eq!(given(client.batch_get_books(of(&["emma", "ulysses"])).await), ["emma", "ulysses"]);
    assert_eq!(library.checks(), ["read book emma", "read book ulysses"]);
    let mixed = client.batch_get_books(of(&["emma", "secret"])).await;
    assert_eq!(refusal(mixed).0, Code::PermissionDenied);
    assert_eq!(refusal(client.batch_get_books(of(&[])).await).0, Code::InvalidArgument);
    let absent = client.batch_get_books(BatchGetBooksRequest { choice: None }).await;
    assert_eq!(refusal(absent).0, Code::InvalidArgument);
    assert_eq!(library.entered(), 1);
}

#[tokio::test]
async fn lists_are_seen_through_the_callers_eyes() {
    let (mut client, _) = call();
    assert_eq!(given(client.list_books(ListBooksRequest {}).await), ["seen by alice"]);
    let mut pieces = client.stream_books(StreamBooksRequest {}).await.unwrap().into_inner();
    assert_eq!(pieces.next().await.unwrap().unwrap().given, ["seen by alice"]);
    assert!(pieces.next().await.is_none());
}

#[tokio::test]
async fn a_server_stream_and_an_error_in_the_middle_of_it() {
    let (mut client, _) = call();
    let request = ReadBookRequest { book_id: "emma".to_owned() };
    let mut pages = client.read_book(request).await.unwrap().into_inner();
    assert_eq!(pages.next().await.unwrap().unwrap().given, ["emma"]);
    assert_eq!(pages.next().await.unwrap().unwrap_err().code(), Code::DataLoss);
    let request = ReadBookRequest { book_id: "secret".to_owned() };
    assert_eq!(refusal(client.read_book(request).await).0, Code::PermissionDenied);
}

#[tokio::test]
async fn an_elevated_operation_and_one_without_a_token() {
    let (mut client, library) = call();
    let burn = BurnBookRequest { book_id: "emma".to_owned() };
    assert_eq!(given(client.burn_book(burn).await), ["emma"]);
    assert_eq!(library.checks(), ["write book emma"]);
    assert_eq!(given(client.get_hours(GetHoursRequest {}).await), ["nine to five"]);
}

#[tokio::test]
async fn without_a_guard_nothing_is_served_not_even_what_is_public() {
    let (mut client, library) = call_without_guard();
    let misconfigured = (Code::Internal, "MISCONFIGURED".to_owned());
    assert_eq!(refusal(client.get_book(get("emma")).await), misconfigured);
    assert_eq!(refusal(client.list_books(ListBooksRequest {}).await), misconfigured);
    assert_eq!(refusal(client.get_hours(GetHoursRequest {}).await), misconfigured);
    assert_eq!((library.entered(), library.checks().len()), (0, 0));
}

#[test]
fn the_table_holds_every_rule_once_and_finds_it_by_path() {
    for (at, expected) in RULES.iter().enumerate() {
        assert!(std::ptr::eq(rule(expected.path).unwrap(), &raw const RULES[at]));
    }
    assert!(rule("/trial.v1.LibraryService/Missing").is_none());
    assert!(rule("").is_none());
    let listed: usize = SERVICES.iter().map(|service| service.rules.len()).sum();
    assert_eq!((SERVICES.len(), listed), (2, RULES.len()));
    for service in SERVICES {
        assert!(service.rules.iter().all(|rule| rule.service == service.name));
    }
}

#[test]
fn the_rules_say_what_the_contract_says() {
    let burn = rule("/trial.v1.LibraryService/BurnBook").unwrap();
    assert_eq!(burn.action().map(|action| action.audience), Some("library.burn"));
    assert_eq!(
        (burn.accepts(TokenType::User), burn.accepts(TokenType::Action), burn.scope),
        (true, false, None)
    );
    let edit = rule("/trial.v1.LibraryService/EditBook").unwrap();
    assert!(edit.client_streaming && edit.server_streaming);
    let create = rule("/trial.v1.LibraryService/CreateBook").unwrap();
    assert_eq!(create.resources[0].field, Some("book.place.room_id"));
    assert_eq!(rule("/trial.v1.LibraryService/ListBooks").unwrap().resources[0].field, None);
}

#[test]
fn the_descriptors_keep_options_and_comments() {
    let holds = |text: &str| FILE_DESCRIPTOR_SET.windows(text.len()).any(|w| w == text.as_bytes());
    assert!(holds("library.burn") && holds("Keeps books on rooms."));
}

#[test]
fn debug_does_not_print_what_is_secret() {
    let request = GetBookRequest { book_id: "emma".to_owned(), card: "0815".to_owned() };
    assert_eq!(format!("{request:?}"), "GetBookRequest { book_id: \"emma\", .. }");
}
