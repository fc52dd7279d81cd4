//! An exporter that keeps everything in memory, and calls to be recorded.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Key, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tonic::Code;
use tower::{Service, ServiceExt};

use crate::{ServiceTelemetry, TraceLayer};

pub(super) const KNOWN: &str = "/hallpass.labeler.v1.DatasetService/GetDataset";

pub(super) fn known(path: &str) -> Option<&'static str> {
    (path == KNOWN).then_some(KNOWN)
}

/// The spans and metrics of one service, in the order in which they ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Recorder {
    spans: Arc<Mutex<Vec<SpanData>>>,
    labels: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Recorder {
    pub(super) fn service(&self) -> (ServiceTelemetry, SdkMeterProvider) {
        let tracers = SdkTracerProvider::builder().with_simple_exporter(self.clone()).build();
        let meters = SdkMeterProvider::builder().with_periodic_exporter(self.clone()).build();
        let service = ServiceTelemetry::new(Some(tracers.tracer("t")), Some(&meters.meter("t")));
        (service, meters)
    }

    pub(super) fn layer(&self) -> TraceLayer {
        TraceLayer::new(self.service().0, known)
    }

    pub(super) fn spans(&self) -> Vec<SpanData> {
        self.spans.lock().unwrap().clone()
    }

    /// The labels of every series of the histogram, each as "key=value", sorted.
    pub(super) fn labels(&self) -> Vec<Vec<String>> {
        let mut labels = self.labels.lock().unwrap().clone();
        labels.sort();
        labels.dedup();
        labels
    }
}

impl SpanExporter for Recorder {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.spans.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl PushMetricExporter for Recorder {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let metrics = metrics.scope_metrics().flat_map(ScopeMetrics::metrics);
        for metric in metrics {
            assert_eq!((metric.name(), metric.unit()), ("rpc.server.call.duration", "s"));
            let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else {
                continue;
            };
            for point in histogram.data_points() {
                let mut all: Vec<_> =
                    point.attributes().map(|kv| format!("{}={}", kv.key, kv.value)).collect();
                all.sort();
                self.labels.lock().unwrap().push(all);
            }
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: std::time::Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

pub(super) fn attribute(span: &SpanData, key: &'static str) -> Option<Value> {
    let found = span.attributes.iter().find(|kv| kv.key == Key::from_static_str(key));
    found.map(|kv| kv.value.clone())
}

pub(super) type Reply = StreamBody<Frames>;
pub(super) type Frames =
    futures_util::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>;

/// A response that ends with this code: in its headers, or after a message in its trailers.
pub(super) fn reply(code: Code, trailers_only: bool) -> Response<Reply> {
    let mut status = HeaderMap::new();
    status.insert("grpc-status", (code as i32).into());
    let mut response = Response::new(());
    let frames = if trailers_only {
        response.headers_mut().extend(status);
        Vec::new()
    } else {
        vec![Ok(Frame::data(Bytes::from_static(b"message"))), Ok(Frame::trailers(status))]
    };
    response.map(|()| StreamBody::new(futures_util::stream::iter(frames)))
}

pub(super) fn request(path: &str) -> Request<()> {
    Request::builder().uri(path).body(()).unwrap()
}

/// A server that always answers the same.
pub(super) fn answering(code: Code, trailers_only: bool) -> Answering {
    Answering { code, trailers_only }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Answering {
    code: Code,
    trailers_only: bool,
}

impl Service<Request<()>> for Answering {
    type Response = Response<Reply>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Reply>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(reply(self.code, self.trailers_only)))
    }
}

/// Makes a call and reads its response to the end.
pub(super) async fn call<S, B>(service: S, request: Request<()>) -> Bytes
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = Bytes, Error = Infallible>,
{
    let response = service.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap().to_bytes()
}
