//! What needs no token although no contract of ours declares it, by two explicit tables: calls (health and reflection), and the paths
//! that are answered by plain HTTP.

use hallpass_policy::{Access, Rule, WhenStale};

/// The longest message of these calls: the name of a service or of a file. Whoever watches health has the name kept.
const REQUEST_BYTES: u32 = 1024;

/// What anyone may call. A server that does not offer reflection answers `UNIMPLEMENTED` to it.
pub static PUBLIC_RULES: [Rule; 5] = [
    public("grpc.health.v1.Health", "/grpc.health.v1.Health/Check", "Check", Side::NONE),
    public("grpc.health.v1.Health", "/grpc.health.v1.Health/List", "List", Side::NONE),
    public("grpc.health.v1.Health", "/grpc.health.v1.Health/Watch", "Watch", Side::SERVER),
    public(
        "grpc.reflection.v1.ServerReflection",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "ServerReflectionInfo",
        Side::BOTH,
    ),
    public(
        "grpc.reflection.v1alpha.ServerReflection",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "ServerReflectionInfo",
        Side::BOTH,
    ),
];

/// The paths that can be fetched by plain HTTP, with GET or HEAD. A server that does not offer one answers 404 to it, and so it does to
/// every path that neither this table nor a rule names.
pub static HTTP_PATHS: [Rule; 2] = [
    // RFC 8414 names the place. It holds public keys alone.
    public(".well-known", "/.well-known/jwks.json", "jwks.json", Side::NONE),
    // A file by a URL that is signed and ends after a minute.
    public("download", "/download/file", "file", Side::NONE),
];

/// Finds a path in [`PUBLIC_RULES`] or [`HTTP_PATHS`].
pub fn public_rule(path: &str) -> Option<&'static Rule> {
    // Every such path begins so; all others are spared the comparisons.
    if path.starts_with("/grpc.") {
        return PUBLIC_RULES.iter().find(|rule| rule.path == path);
    }
    http_path(path)
}

/// Finds a path in [`HTTP_PATHS`].
pub fn http_path(path: &str) -> Option<&'static Rule> {
    HTTP_PATHS.iter().find(|rule| rule.path == path)
}

/// Which sides stream.
#[derive(Clone, Copy)]
struct Side {
    client: bool,
    server: bool,
}

impl Side {
    const NONE: Self = Self { client: false, server: false };
    const SERVER: Self = Self { client: false, server: true };
    const BOTH: Self = Self { client: true, server: true };
}

const fn public(
    service: &'static str,
    path: &'static str,
    method: &'static str,
    streams: Side,
) -> Rule {
    Rule {
        path,
        service,
        method,
        audience: "",
        access: Access::Public,
        scope: None,
        resources: &[],
        delegates: &[],
        when_stale: WhenStale::Serve,
        request_bytes: REQUEST_BYTES,
        client_streaming: streams.client,
        server_streaming: streams.server,
        description: "Open to anyone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_paths_are_public() {
        for rule in PUBLIC_RULES.iter().chain(&HTTP_PATHS) {
            assert_eq!(rule.path, format!("/{}/{}", rule.service, rule.method));
            assert_eq!(public_rule(rule.path).map(|found| found.path), Some(rule.path));
        }
        for path in ["", "/", "/grpc.health.v1.Health", "/grpc.health.v1.Health/check", "/grpc.x/Y"]
        {
            assert!(public_rule(path).is_none(), "{path}");
        }
    }
}
