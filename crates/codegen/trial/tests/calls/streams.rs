//! Streams of requests: checked on the first message, kept on its object, and never waited for without end.

use hallpass_trial::v1::{
    ChatRequest, EditBookRequest, ImportBooksRequest, Start, WriteBookRequest, write_book_request,
};
use tokio_stream::{StreamExt, iter, pending};
use tonic::Code;

use crate::caller::call;
use crate::library::given;
use crate::refusal;

fn start(id: &str) -> WriteBookRequest {
    let start = Start { book_id: id.to_owned() };
    WriteBookRequest { part: Some(write_book_request::Part::Start(start)) }
}

fn text(text: &str) -> WriteBookRequest {
    WriteBookRequest { part: Some(write_book_request::Part::Text(text.to_owned())) }
}

fn edit(id: &str, text: &str) -> EditBookRequest {
    EditBookRequest { book_id: id.to_owned(), text: text.to_owned() }
}

#[tokio::test]
async fn the_first_message_names_the_object() {
    let (mut client, library) = call();
    let pages = iter([start("emma"), text("I"), text("II")]);
    assert_eq!(given(client.write_book(pages).await), ["emma", "I", "II"]);
    assert_eq!(library.checks(), ["write book emma"]);
    assert_eq!(refusal(client.write_book(iter([start("secret")])).await).0, Code::PermissionDenied);
    for nameless in [vec![], vec![text("I")], vec![WriteBookRequest { part: None }]] {
        assert_eq!(refusal(client.write_book(iter(nameless)).await).0, Code::InvalidArgument);
    }
    assert_eq!(library.entered(), 1);
}

#[tokio::test]
async fn later_messages_stay_on_the_object() {
    let (mut client, _) = call();
    let same = iter([start("emma"), start("emma"), start(""), text("I")]);
    assert_eq!(given(client.write_book(same).await), ["emma", "I"]);
    let other = iter([start("emma"), text("I"), start("ulysses"), text("II")]);
    let refused = refusal(client.write_book(other).await);
    assert_eq!(refused, (Code::InvalidArgument, "OBJECT_ID_INVALID".to_owned()));
}

#[tokio::test]
async fn a_stream_ends_where_another_object_is_named() {
    let (mut client, _) = call();
    let edits =
        iter([edit("emma", "I"), edit("", "II"), edit("ulysses", "III"), edit("emma", "IV")]);
    let mut answers = client.edit_book(edits).await.unwrap().into_inner();
    assert_eq!(answers.next().await.unwrap().unwrap().given, ["emma", "I"]);
    assert_eq!(answers.next().await.unwrap().unwrap().given, ["II"]);
    assert_eq!(answers.next().await.unwrap().unwrap_err().code(), Code::InvalidArgument);
    assert!(answers.next().await.is_none());
}

#[tokio::test]
async fn streams_that_name_no_object() {
    let (mut client, library) = call();
    let titles = ["I", "II"].map(|title| ImportBooksRequest { title: title.to_owned() });
    assert_eq!(given(client.import_books(iter(titles)).await), ["alice", "I", "II"]);
    let mut answers = client.chat(pending::<ChatRequest>()).await.unwrap().into_inner();
    assert_eq!(answers.next().await.unwrap().unwrap().given, ["welcome", "alice"]);
    assert!(library.checks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_first_message_is_not_waited_for_without_end() {
    let (mut client, library) = call();
    let late = refusal(client.write_book(pending::<WriteBookRequest>()).await);
    assert_eq!(late.0, Code::DeadlineExceeded);
    assert_eq!(refusal(client.edit_book(pending::<EditBookRequest>()).await).0, late.0);
    assert_eq!(refusal(client.import_books(pending::<ImportBooksRequest>()).await).0, late.0);
    assert_eq!(library.entered(), 0);
    // Nor is that of a stream whose handler answers before.
    let mut chat = client.chat(pending::<ChatRequest>()).await.unwrap().into_inner();
    assert_eq!(chat.next().await.unwrap().unwrap().given, ["welcome", "alice"]);
    assert_eq!(chat.next().await.unwrap().unwrap_err().code(), late.0);
}
