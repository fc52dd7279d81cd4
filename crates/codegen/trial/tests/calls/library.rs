//! A handler that answers with what it was given, and a policy that remembers what it was asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hallpass_trial::can::{ReadBook, WriteBook, WriteRoom};
use hallpass_trial::policy::adapter::{Incoming, Reply};
use hallpass_trial::policy::{Granted, ObjectPolicy, Permit, Seen, Unknown, Verdict, Visible};
use hallpass_trial::v1::{
    Answer, BatchGetBooksRequest, BurnBookRequest, BurnBooksRequest, ChatRequest,
    CloseLibraryRequest, CreateBookRequest, EditBookRequest, GetBookRequest, GetHoursRequest,
    ImportBooksRequest, LibraryService, ListBooksRequest, MoveBookRequest, ReadBookRequest,
    StreamBooksRequest, WriteBookRequest, write_book_request,
};
use tokio_stream::StreamExt;
use tonic::{Response, Status};

/// What an answer says.
pub(crate) fn given(answer: Result<Response<Answer>, Status>) -> Vec<String> {
    answer.unwrap().into_inner().given
}

/// Handler and policy in one.
#[derive(Clone, Default)]
pub(crate) struct Library {
    entered: Arc<AtomicUsize>,
    checks: Arc<Mutex<Vec<String>>>,
}

impl Library {
    /// How often a handler was entered.
    pub(crate) fn entered(&self) -> usize {
        self.entered.load(Ordering::SeqCst)
    }

    /// What the policy was asked so far.
    pub(crate) fn checks(&self) -> Vec<String> {
        self.checks.lock().unwrap().clone()
    }

    fn say<const N: usize>(&self, words: [&str; N]) -> Answer {
        self.entered.fetch_add(1, Ordering::SeqCst);
        Answer { given: words.map(str::to_owned).to_vec() }
    }
}

impl ObjectPolicy for Library {
    async fn check(
        &self,
        permit: &Permit,
        kind: &'static str,
        permission: &'static str,
        id: &str,
    ) -> Result<Verdict, Unknown> {
        assert_eq!(permit.subject(), Some("alice"));
        self.checks.lock().unwrap().push(format!("{permission} {kind} {id}"));
        match id {
            "secret" => Ok(Verdict::Refused),
            "unknown" => Err(Unknown("the catalogue")),
            _ => Ok(Verdict::Granted),
        }
    }
}

impl LibraryService for Library {
    type Error = Status;

    async fn get_book(&self, book: Granted<ReadBook>, _: GetBookRequest) -> Result<Answer, Status> {
        Ok(self.say([book.id()]))
    }

    async fn create_book(
        &self,
        room: Granted<WriteRoom>,
        _: CreateBookRequest,
    ) -> Result<Answer, Status> {
        Ok(self.say([room.id()]))
    }

    async fn move_book(
        &self,
        book: Granted<WriteBook>,
        room: Granted<WriteRoom>,
        _: MoveBookRequest,
    ) -> Result<Answer, Status> {
        Ok(self.say([book.id(), room.id()]))
    }

    async fn batch_get_books(
        &self,
        books: Vec<Granted<ReadBook>>,
        _: BatchGetBooksRequest,
    ) -> Result<Answer, Status> {
        self.say([]);
        Ok(Answer { given: books.iter().map(|book| book.id().to_owned()).collect() })
    }

    async fn list_books(
        &self,
        books: Visible<ReadBook>,
        _: ListBooksRequest,
    ) -> Result<Seen<Answer>, Status> {
        let query = async |subject: &str| Ok::<_, Status>(format!("seen by {subject}"));
        Ok(books.look(query).await?.map(|seen| self.say([&seen])))
    }

    async fn stream_books(
        &self,
        books: Visible<ReadBook>,
        _: StreamBooksRequest,
    ) -> Result<Seen<Reply<Answer, Status>>, Status> {
        let query = async |subject: &str| Ok::<_, Status>(format!("seen by {subject}"));
        let seen = books.look(query).await?.map(|seen| self.say([&seen]));
        Ok(seen.map(|seen| Box::pin(tokio_stream::once(Ok(seen))) as Reply<_, _>))
    }

    async fn read_book(
        &self,
        book: Granted<ReadBook>,
        _: ReadBookRequest,
    ) -> Result<Reply<Answer, Status>, Status> {
        let page = Ok(self.say([book.id()]));
        Ok(Box::pin(tokio_stream::iter([page, Err(Status::data_loss("a page is torn out"))])))
    }

    async fn write_book(
        &self,
        book: Granted<WriteBook>,
        _first: WriteBookRequest,
        rest: Incoming<WriteBookRequest>,
    ) -> Result<Answer, Status> {
        let mut answer = self.say([book.id()]);
        let messages: Vec<_> = rest.collect().await;
        for message in messages {
            if let Some(write_book_request::Part::Text(text)) = message?.part {
                answer.given.push(text);
            }
        }
        Ok(answer)
    }

    async fn import_books(
        &self,
        permit: Permit,
        first: ImportBooksRequest,
        mut rest: Incoming<ImportBooksRequest>,
    ) -> Result<Answer, Status> {
        let mut answer = self.say([permit.subject().unwrap(), &first.title]);
        while let Some(book) = rest.next().await {
            answer.given.push(book?.title);
        }
        Ok(answer)
    }

    async fn edit_book(
        &self,
        book: Granted<WriteBook>,
        first: EditBookRequest,
        rest: Incoming<EditBookRequest>,
    ) -> Result<Reply<Answer, Status>, Status> {
        let first = self.say([book.id(), &first.text]);
        let rest = rest.map(|edit| Ok(Answer { given: vec![edit?.text] }));
        Ok(Box::pin(tokio_stream::once(Ok(first)).chain(rest)))
    }

    async fn chat(
        &self,
        permit: Permit,
        requests: Incoming<ChatRequest>,
    ) -> Result<Reply<Answer, Status>, Status> {
        let welcome = self.say(["welcome", permit.subject().unwrap()]);
        let rest = requests.map(|request| Ok(Answer { given: vec![request?.word] }));
        Ok(Box::pin(tokio_stream::once(Ok(welcome)).chain(rest)))
    }

    async fn burn_book(
        &self,
        book: Granted<WriteBook>,
        _: BurnBookRequest,
    ) -> Result<Answer, Status> {
        Ok(self.say([book.id()]))
    }

    async fn burn_books(
        &self,
        permit: Permit,
        first: BurnBooksRequest,
        rest: Incoming<BurnBooksRequest>,
    ) -> Result<Answer, Status> {
        let rest: Vec<_> = rest.collect().await;
        Ok(self.say([permit.subject().unwrap(), &first.title, &rest.len().to_string()]))
    }

    async fn close_library(&self, _: Permit, _: CloseLibraryRequest) -> Result<Answer, Status> {
        Ok(self.say(["closed"]))
    }

    async fn get_hours(&self, _: GetHoursRequest) -> Result<Answer, Status> {
        Ok(self.say(["nine to five"]))
    }
}
