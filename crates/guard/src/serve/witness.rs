//! What the guard learns of a call after it was let through: that it was refused later, that its handler failed or answered.

use std::time::Duration;

use hallpass_policy::{Denial, Failure, Permit, Refusal, Witness};

use hallpass_token::Fingerprint;

use crate::Deadline;
use crate::serve::{Guard, report};

impl Witness for Guard {
    fn refused(&self, permit: &Permit, refusal: &Refusal) {
        let news = self.refusals.note_later(permit, refusal);
        if news
            && self.lines.lists(refusal.denial.reason(), permit.token().map(AsRef::as_ref), None)
        {
            report::refused_later(permit, refusal);
        }
    }

    fn failed(&self, permit: &Permit, failure: &Failure) {
        self.refusals.failed(permit, failure);
        if self.lines.lists(&failure.reason, permit.token().map(AsRef::as_ref), None) {
            report::failed(permit, failure);
        }
    }

    fn answered(&self, permit: &Permit) {
        if self.lines.records(permit.rule().path, permit.token().map(AsRef::as_ref)) {
            report::answered(permit);
        }
    }

    fn lists(&self, permit: &Permit, line: &'static str, about: Option<Fingerprint>) -> bool {
        self.lines.notes(line, about, permit.token().map(AsRef::as_ref))
    }

    /// The permit of a call without a token has nothing that could end.
    fn upholds(&self, _: &Permit) -> Result<(), Denial> {
        // From here on the call is its handler's: nothing waits for its message any more.
        Deadline::note_entered();
        Ok(())
    }

    fn first_message_within(&self) -> Duration {
        self.first_message
    }
}
