//! Carries a job's trace through Temporal's headers: from the start of a workflow to each of its activities.

use std::collections::HashMap;

use temporalio_common::protos::temporal::api::common::v1::{Header, Payload};
use temporalio_workflow::workflow_interceptors::{
    CancellableWorkflowOutboundFuture, ExecuteWorkflowInput, ExecuteWorkflowResult,
    ScheduleActivityInput, ScheduleActivityResult, WorkflowInterceptor,
    WorkflowInterceptorConstructor, WorkflowInterceptorContext, WorkflowInterceptorFuture,
    WorkflowNext,
};

/// The header's name, as W3C has it.
const TRACEPARENT: &str = "traceparent";

/// The headers that a workflow is started with; none for no trace.
pub(crate) fn header(trace: &str) -> Option<Header> {
    if trace.is_empty() {
        return None;
    }
    let payload = Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        // It is of hexadecimal digits and dashes: nothing needs an escape.
        data: format!("\"{trace}\"").into_bytes(),
        ..Payload::default()
    };
    Some(Header { fields: [(TRACEPARENT.to_owned(), payload)].into() })
}

/// The trace that headers name; empty for none.
pub(crate) fn of(headers: &HashMap<String, Payload>) -> String {
    let found = headers.get(TRACEPARENT);
    let text = found.and_then(|payload| std::str::from_utf8(&payload.data).ok());
    text.map(|text| text.trim_matches('"').to_owned()).unwrap_or_default()
}

/// Hands a workflow's trace on to its activities.
pub(crate) fn interceptor() -> WorkflowInterceptorConstructor {
    WorkflowInterceptorConstructor::new(|_| HandOn::default())
}

#[derive(Default)]
struct HandOn(std::cell::RefCell<Option<Payload>>);

impl WorkflowInterceptor for HandOn {
    fn execute<'a>(
        &'a self,
        _: WorkflowInterceptorContext,
        input: ExecuteWorkflowInput,
        next: WorkflowNext<
            'a,
            ExecuteWorkflowInput,
            WorkflowInterceptorFuture<'a, ExecuteWorkflowResult>,
        >,
    ) -> WorkflowInterceptorFuture<'a, ExecuteWorkflowResult> {
        *self.0.borrow_mut() = input.headers().get(TRACEPARENT).cloned();
        next.run(input)
    }

    fn schedule_activity(
        &self,
        _: WorkflowInterceptorContext,
        mut input: ScheduleActivityInput,
        next: WorkflowNext<
            'static,
            ScheduleActivityInput,
            CancellableWorkflowOutboundFuture<ScheduleActivityResult>,
        >,
    ) -> CancellableWorkflowOutboundFuture<ScheduleActivityResult> {
        if let Some(trace) = self.0.borrow().clone() {
            input.headers_mut().insert(TRACEPARENT.to_owned(), trace);
        }
        next.run(input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_comes_out_as_it_went_in() {
        const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let fields = header(TRACE).map(|header| header.fields).unwrap_or_default();
        assert_eq!(of(&fields), TRACE);
        assert_eq!(header(""), None);
        assert_eq!(of(&HashMap::new()), "");
    }
}
