//! Elevated operations: the action token is used up after the object check and before the handler, and only there.

use hallpass_trial::policy::Outcome;
use hallpass_trial::v1::{BurnBookRequest, BurnBooksRequest, CloseLibraryRequest};
use hallpass_trial::{ACTIONS, rule};
use tokio_stream::iter;
use tonic::Code;

use crate::caller::{Connected, connected};
use crate::library::given;
use crate::refusal;

fn burn(id: &str) -> BurnBookRequest {
    BurnBookRequest { book_id: id.to_owned() }
}

fn spent() -> (Code, String) {
    (Code::Unauthenticated, "TOKEN_SPENT".to_owned())
}

#[tokio::test]
async fn a_token_for_one_call_is_good_for_one_call() {
    let Connected { mut client, library, desk } = connected();
    assert_eq!(given(client.burn_book(burn("emma")).await), ["emma"]);
    assert_eq!(refusal(client.burn_book(burn("ulysses")).await), spent());
    assert_eq!((library.entered(), desk.claims()), (1, 1));
    let burnt = "library.burn";
    assert_eq!(desk.noted(), [(burnt, Outcome::Used), (burnt, Outcome::Refused)]);
}

#[tokio::test]
async fn a_call_whose_object_is_refused_spends_nothing() {
    let Connected { mut client, library, desk } = connected();
    assert_eq!(refusal(client.burn_book(burn("secret")).await).0, Code::PermissionDenied);
    assert_eq!(refusal(client.burn_book(burn("unknown")).await).0, Code::Unavailable);
    assert_eq!(refusal(client.burn_book(burn("")).await).0, Code::InvalidArgument);
    assert_eq!((library.entered(), desk.claims()), (0, 0));
    assert_eq!(given(client.burn_book(burn("emma")).await), ["emma"]);
}

#[tokio::test]
async fn what_cannot_be_claimed_is_refused() {
    let Connected { mut client, library, desk } = connected();
    desk.break_down();
    let refused = refusal(client.burn_book(burn("emma")).await);
    assert_eq!(refused, (Code::Unavailable, "CANNOT_DECIDE".to_owned()));
    assert_eq!(library.entered(), 0);
}

#[tokio::test]
async fn a_stream_claims_once_at_its_start() {
    let Connected { mut client, library, desk } = connected();
    let titles = || ["I", "II", "III"].map(|title| BurnBooksRequest { title: title.to_owned() });
    assert_eq!(given(client.burn_books(iter(titles())).await), ["alice", "I", "2"]);
    assert_eq!(desk.claims(), 1);
    assert_eq!(refusal(client.burn_books(iter(titles())).await), spent());
    assert_eq!(library.entered(), 1);
}

#[tokio::test]
async fn a_token_for_more_than_one_call_is_claimed_by_none() {
    let Connected { mut client, desk, .. } = connected();
    for _ in 0..3 {
        assert_eq!(given(client.close_library(CloseLibraryRequest {}).await), ["closed"]);
    }
    assert_eq!((desk.claims(), desk.noted().len()), (0, 3));
}

#[test]
fn the_registry_says_what_the_contract_says() {
    let audiences: Vec<_> = ACTIONS.iter().map(|action| (action.audience, action.owner)).collect();
    assert_eq!(audiences, [("library.burn", "library"), ("library.close", "library")]);
    let [burn, close] = ACTIONS else { unreachable!("there are two") };
    let life = |action: &hallpass_trial::policy::Action| {
        [action.shortest_life, action.longest_life, action.usual_life].map(|life| life.as_secs())
    };
    assert_eq!((life(burn), life(close)), ([30, 600, 120], [60, 90, 90]));
    assert_eq!((burn.single_use, close.single_use), (true, false));
    assert_eq!((burn.roles, close.roles), (&[][..], &["librarian", "warden"][..]));
    let step_up = close.step_up.unwrap();
    assert_eq!(step_up.amr, ["otp", "hwk"]);
    assert_eq!(step_up.max_age.unwrap().as_secs(), 300);
    assert_eq!(burn.step_up, None);
    let demanded = rule("/trial.v1.LibraryService/BurnBooks").unwrap().action().unwrap();
    assert!(std::ptr::eq(demanded, burn));
}
