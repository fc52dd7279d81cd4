#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(claims: &Value) -> Result<Option<Grants>, GrantError> {
    Grants::read(claims.as_object().unwrap())
}

fn buckets(value: &Value) -> Result<Vec<String>, GrantError> {
    Ok(read(&json!({ "b": value }))?.unwrap().buckets.into_iter().collect())
}

#[test]
fn the_published_forms_are_read() {
    let expected = ["cellpainting-gallery", "quilt-open-ccle-virginia", "quilt-sandbox-bucket"];
    let list = STANDARD_LIST;
    let forms = [
        json!(["quilt-sandbox-bucket", "cellpainting-gallery", "quilt-open-ccle-virginia"]),
        json!({"_type": "groups", "_data": {"quilt": ["sandbox-bucket", "open-ccle-virginia"], "cellpainting": ["gallery"]}}),
        json!({"_type": "patterns", "_data": {"quilt": ["sandbox-bucket", "open-ccle-virginia"], "cell": ["cellpainting-gallery"], "other": []}}),
        json!({"_type": "compressed", "_data": list}),
        json!({"_type": "front", "_data": [[0, "cellpainting-gallery"], [0, "quilt-open-ccle-virginia"], [6, "sandbox-bucket"]]}),
    ];
    for form in forms {
        assert_eq!(buckets(&form).unwrap(), expected, "{form}");
    }
}

/// The JSON list of the three, as `base64` writes it.
const STANDARD_LIST: &str = "WyJxdWlsdC1zYW5kYm94LWJ1Y2tldCIsImNlbGxwYWludGluZy1nYWxsZXJ5IiwicXVpbHQtb3Blbi1jY2xlLXZpcmdpbmlhIl0=";

#[test]
fn what_cannot_be_read_is_refused() {
    let refused = [
        json!("quilt-sandbox-bucket"),
        json!(7),
        json!(null),
        json!([7]),
        json!([""]),
        json!(["a", "a"]),
        json!(["../other"]),
        json!(["a b"]),
        json!(["-a"]),
        json!(["a-"]),
        json!(["*"]),
        json!({}),
        json!({"_type": "groups"}),
        json!({"_type": "groups", "_data": []}),
        json!({"_type": "groups", "_data": {"quilt": "sandbox"}}),
        json!({"_type": "groups", "_data": {"quilt": [7]}}),
        json!({"_type": "groups", "_data": {"": ["a"]}}),
        json!({"_type": "groups", "_data": {"qu-ilt": ["a"]}}),
        json!({"_type": "groups", "_data": {"foo": ["foo"]}}),
        json!({"_type": "groups", "_data": {"foo": ["bar"]}, "more": 1}),
        json!({"_type": "patterns", "_data": {"quilt": ["a"], "unknown": ["b"]}}),
        json!({"_type": "patterns", "_data": {"quilt": ["a"], "other": ["quilt-a"]}}),
        json!({"_type": "compressed", "_data": "WyJhIl0"}),
        json!({"_type": "compressed", "_data": "not base64"}),
        json!({"_type": "compressed", "_data": "eyJhIjoxfQ=="}),
        json!({"_type": "compressed", "_data": "MSwibGlzdCI6W10="}),
        json!({"_type": "compressed", "_data": ["a"]}),
        json!({"_type": "front", "_data": [[0, "b"], [0, "a"]]}),
        json!({"_type": "front", "_data": [[0, "ab"], [0, "ac"]]}),
        json!({"_type": "front", "_data": [[1, "a"]]}),
        json!({"_type": "front", "_data": [[0, "a"], [9, "b"]]}),
        json!({"_type": "front", "_data": [[0, "a"], [1, ""]]}),
        json!({"_type": "front", "_data": [[-1, "a"]]}),
        json!({"_type": "front", "_data": [["a"]]}),
        json!({"_type": "deflate", "_data": "x"}),
    ];
    for form in refused {
        assert!(buckets(&form).is_err(), "{form}");
    }
    // Wrapped texts that end a list early are no lists.
    let nested = serde_json::to_string(&json!([["a"]])).unwrap();
    let packed = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, nested);
    assert!(buckets(&json!({"_type": "compressed", "_data": packed})).is_err());
}

#[test]
fn short_and_full_say_the_same_or_nothing_counts() {
    let agree = json!({"p": ["g", "l"], "permissions": ["s3:ListBucket", "s3:GetObject"], "b": ["a"], "buckets": ["a"], "l": "read", "level": "read"});
    let grants = read(&agree).unwrap().unwrap();
    assert!(grants.allow("s3:GetObject", "a") && !grants.allow("s3:PutObject", "a"));
    let disagree = [
        json!({"p": ["g"], "permissions": ["s3:PutObject"]}),
        json!({"p": ["g"], "permissions": []}),
        json!({"p": [], "permissions": ["s3:GetObject"]}),
        json!({"p": ["g"], "permissions": ["s3:GetObject", "s3:Unheard"]}),
        json!({"b": ["a"], "buckets": ["a", "b"]}),
        json!({"r": ["x"], "roles": ["y"]}),
        json!({"l": "read", "level": "admin"}),
    ];
    for claims in disagree {
        assert!(matches!(read(&claims), Err(GrantError::Conflict { .. })), "{claims}");
    }
}

#[test]
fn what_is_missing_or_unknown_grants_nothing() {
    assert_eq!(read(&json!({"sub": "7"})).unwrap(), None);
    let nothing = read(&json!({"b": ["a"], "p": []})).unwrap().unwrap();
    assert!(!nothing.allow("s3:GetObject", "a"));
    let unknown =
        read(&json!({"b": ["a"], "p": ["xyz", "s3:Everything", "s3:*"]})).unwrap().unwrap();
    assert_eq!((unknown.permissions.len(), unknown.unknown_permissions), (0, 3));
    let no_bucket = read(&json!({"p": ["g"]})).unwrap().unwrap();
    assert!(!no_bucket.allow("s3:GetObject", "a"));
    let broken = [
        json!({"p": "g"}),
        json!({"p": [1]}),
        json!({"p": ["g", "s3:GetObject"]}),
        json!({"l": "root"}),
        json!({"l": 1}),
        json!({"r": "x"}),
    ];
    for claims in broken {
        assert!(matches!(read(&claims), Err(GrantError::Malformed { .. })), "{claims}");
    }
}

#[test]
fn a_level_holds_back_what_is_beyond_it() {
    let grants = |level: &str| {
        read(&json!({"b": ["a"], "p": ["g", "p", "pbp"], "l": level})).unwrap().unwrap()
    };
    let allowed = |level| {
        ["s3:GetObject", "s3:PutObject", "s3:PutBucketPolicy"]
            .map(|operation| grants(level).allow(operation, "a"))
    };
    assert_eq!(allowed("read"), [true, false, false]);
    assert_eq!(allowed("write"), [true, true, false]);
    assert_eq!(allowed("admin"), [true, true, true]);
}

#[test]
fn too_much_is_refused() {
    let many: Vec<_> = (0..=MOST).map(|n| format!("b{n}")).collect();
    assert_eq!(buckets(&json!(many)), Err(GrantError::TooBig));
    let long = "x".repeat(MOST_GRANT_BYTES + 1);
    assert_eq!(buckets(&json!({"_type": "compressed", "_data": long})), Err(GrantError::TooBig));
    // A short text that unfolds into a long one: each entry repeats the whole of the last.
    let mut unfolding = vec![json!([0, "a".repeat(200)])];
    unfolding.extend((0..2000).map(|n| json!([200 + n, "a"])));
    assert!(buckets(&json!({"_type": "front", "_data": unfolding})).is_err());
}

#[test]
fn a_token_of_the_largest_kind_fits_into_4_kb() {
    let claims =
        (0..32).map(|n| format!("quilt-research-team-{n:02}-eu-central-1-bucket")).collect();
    let permissions = OPERATIONS_OF_24.into_iter().collect();
    let grants =
        Grants { buckets: claims, permissions, level: Some(Level::Write), ..Grants::default() };
    let mut claims = Map::new();
    grants.write(&mut claims);
    assert!(Value::Object(claims).to_string().len() < 1600);
}

const OPERATIONS_OF_24: [&str; 24] = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:ListBucket",
    "s3:ListAllMyBuckets",
    "s3:GetObjectVersion",
    "s3:PutObjectAcl",
    "s3:AbortMultipartUpload",
    "s3:GetObjectMetadata",
    "s3:PutObjectMetadata",
    "s3:DeleteObjectMetadata",
    "s3:GetObjectLockConfiguration",
    "s3:GetObjectTagging",
    "s3:PutObjectTagging",
    "s3:DeleteObjectTagging",
    "s3:GetObjectRetention",
    "s3:PutObjectRetention",
    "s3:GetObjectLegalHold",
    "s3:GetBucketLocation",
    "s3:GetBucketLifecycle",
    "s3:GetBucketTagging",
    "s3:GetBucketAcl",
    "s3:GetBucketPolicy",
    "s3:PutBucketTagging",
];

proptest! {
    #[test]
    fn what_is_written_reads_back_as_the_same(
        buckets in prop::collection::btree_set("[a-z0-9]([a-z0-9.-]{0,40}[a-z0-9])?", 0..60),
        permissions in prop::sample::subsequence(OPERATIONS_OF_24.to_vec(), 0..=24),
        roles in prop::collection::btree_set("[A-Za-z0-9-]{1,30}", 0..5),
        level in prop::option::of(prop::sample::select(vec![Level::Read, Level::Write, Level::Admin])),
    ) {
        let grants = Grants { buckets, permissions: permissions.into_iter().collect(), roles, level, unknown_permissions: 0 };
        let mut claims = Map::new();
        grants.write(&mut claims);
        prop_assert_eq!(Grants::read(&claims), Ok(Some(grants)));
    }

    #[test]
    fn hostile_claims_never_panic_and_never_widen(name in "[a-z]{1,2}|_type|_data|groups|patterns", text in "\\PC{0,40}", number in any::<i64>()) {
        let values = [json!(text), json!([text]), json!({name.clone(): [text]}), json!({"_type": name, "_data": {text.clone(): [number]}}), json!({"_type": "front", "_data": [[number, text]]})];
        for value in values {
            for claim in ["b", "p", "r", "l"] {
                if let Ok(Some(grants)) = read(&json!({claim: value})) {
                    prop_assert!(!grants.allow("s3:GetObject", "elsewhere"));
                }
            }
        }
    }
}
