//! A job is part of the trace of the user who created it, to its end: whoever runs it.

use hallpass_contract::platform::job_service_client::JobServiceClient;
use hallpass_contract::platform::{CreateJobRequest, JobSpec};
use tonic::Request;

use super::site::Site;
use crate::mesh::connect;
use crate::tools;
use crate::traces::Jaeger;

/// The user's own trace, and the span in it from which Platform is called.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// One trainer, which does nothing.
const TRAINER: &str = "[trainers.quick]\nprogram = \"true\"\n";

#[test]
fn a_job_is_in_its_users_trace() {
    let Some(jaeger) = tools::find("jaeger") else { return };
    let jaeger = Jaeger::start(&jaeger);
    let mut site = Site::without_platform();
    let collector = collector(&jaeger);
    let environment = environment(&collector);
    site.kill_labeler();
    site.start_labeler_with(&environment);
    site.start_platform(TRAINER, &environment);
    is_traced(&site, &jaeger, include_str!("../../golden/trace_embedded.txt"));
}

/// Where spans are sent to.
pub(crate) fn collector(jaeger: &Jaeger) -> String {
    format!("http://{}", jaeger.otlp)
}

/// What makes a process send them, and soon.
pub(crate) fn environment(collector: &str) -> [(&str, &str); 3] {
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ]
}

/// Creates a job in the user's trace, waits for its end, and compares the trace's spans.
pub(crate) fn is_traced(site: &Site, jaeger: &Jaeger, golden: &str) {
    let id = create(site);
    assert_eq!(site.end(&id), "succeeded");
    let trace = jaeger.trace_like(TRACE, golden);
    if let Some(file) = std::env::var_os("TEST_TRACE_PICTURE") {
        std::fs::write(file, trace.tree(true)).expect("it can be written");
    }
    let spans = trace.tree(false);
    assert_eq!(spans, golden, "{spans}");
}

fn create(site: &Site) -> String {
    let spec = JobSpec {
        display_name: "traced".to_owned(),
        dataset_id: site.dataset(),
        trainer: "quick".to_owned(),
        ..JobSpec::default()
    };
    let mut request = Request::new(CreateJobRequest { job: Some(spec), request_id: String::new() });
    let headers = [
        ("traceparent", format!("00-{TRACE}-{SPAN}-01")),
        ("authorization", format!("Bearer {}", site.token("alice"))),
    ];
    for (name, value) in headers {
        request.metadata_mut().insert(name, value.parse().expect("a header"));
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let address = site.platform.as_ref().expect("it runs").address("platform");
        let mut jobs = JobServiceClient::new(connect(&address).await);
        let made = jobs.create_job(request).await.expect("a job");
        made.into_inner().job.expect("a job").job_id
    })
}
