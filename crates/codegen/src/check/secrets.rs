//! Fields that are never to be printed: each must stand where the generated `Debug` can leave it out.

use crate::model::Secret;
use crate::problem::Report;

/// Reports secrets in nested messages and in oneofs, whose `Debug` prost writes.
pub(super) fn check(secrets: &[Secret], report: &mut Report) {
    for Secret { place, field } in secrets {
        if field.parent_message().parent_message().is_some() {
            report.add(
                place,
                "is marked as secret in a nested message; move the message to the top of its file",
            );
        }
        if field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic()) {
            report.add(place, "is marked as secret in an oneof; put it into a message of its own");
        }
    }
}
