//! Tells clients that retry by themselves when to do so (gRFC A6, "Pushback").

use std::time::Duration;

use tonic::metadata::MetadataMap;

/// The metadata that clients with a retry policy read; `RetryInfo` is for those who look into details.
const NAME: &str = "grpc-retry-pushback-ms";

/// Adds how long a client is to wait before it tries again: whole milliseconds, rounded up. At least one, because some clients
/// take 0 for "never".
pub fn push_back(metadata: &mut MetadataMap, wait: Duration) {
    let milliseconds = wait.as_nanos().div_ceil(1_000_000);
    let milliseconds = i32::try_from(milliseconds).unwrap_or(i32::MAX).max(1);
    metadata.insert(NAME, milliseconds.into());
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_positive_number_of_milliseconds() {
        let rows = [
            (Duration::ZERO, "1"),
            (Duration::from_nanos(1), "1"),
            (Duration::from_micros(1_001), "2"),
            (Duration::from_secs(1), "1000"),
            (Duration::MAX, "2147483647"),
        ];
        for (wait, expected) in rows {
            let mut metadata = MetadataMap::new();
            push_back(&mut metadata, wait);
            assert_eq!(metadata.get(NAME).unwrap(), expected);
        }
    }
}
