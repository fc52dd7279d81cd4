//! The claims of storage grants, in full and in short: what is read was said, and what is written reads back as the same.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use hallpass_token::{Grants, MOST_GRANT_BYTES};
use serde_json::{Map, Value, json};

use crate::bent::{Bent, Count, bend};

/// Claims in the encodings that are published, and in our own.
static CLAIMS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let buckets: Vec<_> = (0..24).map(|n| format!("quilt-sandbox-{n}")).collect();
    let own = {
        let all = Grants { buckets: buckets.iter().cloned().collect(), ..Grants::default() };
        let mut claims = Map::new();
        all.write(&mut claims);
        Value::Object(claims)
    };
    let compressed = {
        use base64::Engine as _;
        let text = Value::from(buckets.clone()).to_string();
        json!({"b": {"_type": "compressed", "_data": base64::engine::general_purpose::STANDARD.encode(text)}, "p": ["g", "p", "l"]})
    };
    let all = [
        json!({"buckets": buckets, "permissions": ["s3:GetObject", "s3:PutObject"], "roles": ["ReadWrite"], "level": "write"}),
        json!({"b": {"_type": "groups", "_data": {"quilt": ["sandbox-1", "sandbox-2"]}}, "p": ["g", "p"], "l": "read"}),
        json!({"b": {"_type": "patterns", "_data": {"quilt": ["sandbox-1", "sandbox-2"], "other": ["x"]}}, "r": ["a"]}),
        compressed,
        own,
    ];
    all.map(|claims| claims.to_string().into_bytes()).into()
});

#[test]
fn compressed_claims() {
    static COUNT: Count = Count::new("compressed_claims");
    bolero::check!().with_type::<(Bent, String)>().for_each(|(bent, other)| {
        let bytes = bend(&CLAIMS, bent);
        let Ok(Value::Object(claims)) = serde_json::from_slice(&bytes) else {
            return COUNT.input(false);
        };
        let Ok(Some(grants)) = Grants::read(&claims) else { return COUNT.input(false) };
        let size: usize = grants.buckets.iter().map(String::len).sum();
        assert!(size <= MOST_GRANT_BYTES);
        check_written(&grants);
        check_narrowed(&grants, other);
        COUNT.input(true);
    });
    COUNT.tell();
}

#[test]
fn grants_of_any_buckets() {
    static COUNT: Count = Count::new("grants_of_any_buckets");
    bolero::check!().with_type::<BTreeSet<String>>().for_each(|buckets| {
        let name = |text: &String| -> String {
            text.bytes()
                .map(|byte| char::from(b"abc012-."[usize::from(byte) % 8]))
                .take(63)
                .collect()
        };
        let buckets: BTreeSet<_> =
            buckets.iter().map(name).filter(|name| name.len() >= 3).collect();
        let claims = json!({"buckets": buckets, "permissions": ["s3:GetObject"]});
        let Value::Object(claims) = claims else { return };
        let Ok(Some(grants)) = Grants::read(&claims) else { return COUNT.input(false) };
        assert_eq!(grants.buckets, buckets);
        check_written(&grants);
        COUNT.input(true);
    });
    COUNT.tell();
}

fn check_written(grants: &Grants) {
    let mut claims = Map::new();
    grants.write(&mut claims);
    let back = Grants::read(&claims).unwrap().unwrap();
    assert_eq!(back, Grants { unknown_permissions: 0, ..grants.clone() }, "{claims:?}");
}

fn check_narrowed(grants: &Grants, other: &str) {
    for bucket in grants.buckets.iter().map(String::as_str).chain([other]) {
        let only = grants.only(bucket);
        assert!(only.buckets.is_subset(&grants.buckets) && only.buckets.len() <= 1);
        for operation in ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", other] {
            let allowed = grants.allow(operation, bucket);
            assert!(
                !allowed
                    || (grants.buckets.contains(bucket) && grants.permissions.contains(operation))
            );
            assert_eq!(only.allow(operation, bucket), allowed);
        }
    }
}
