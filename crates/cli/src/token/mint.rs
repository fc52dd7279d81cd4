//! Mints a token. Invariant: on stdout stands the token alone, and nothing at all when there is none.

use std::str::FromStr;

use aws_lc_rs::rand;
use clap::{Args, ValueEnum};
use hallpass_contract::{RULES, SERVICES};
use hallpass_guard::Clock;
use hallpass_policy::Rule;
use hallpass_token::{
    Algorithm, Grants, Key, KeyState, Level, MintedToken, NewToken, ResourceClaim, Scopes, TokenId,
    TokenType, UnixTime, mint_bearer,
};
use secrecy::SecretString;
use serde_json::json;

use crate::failure::Failure;
use crate::life::Life;
use crate::output::{self, Format, plain};
use crate::rings::{KeyArguments, Keys, RingFile};

const EXAMPLES: &str = "\
Examples:
  export TOKEN=$(hallpass token mint --subject alice)
  hallpass token mint --data hallpass-data --type service --subject alice \\
    --scope labeler:read --audience labeler
  hallpass token mint --ring hallpass-data/keys/platform.json \\
    --type background --job-id job-7 --resource dataset:$DATASET \\
    --scope labeler:read --audience labeler
  JWT_SECRET_KEY=$SECRET hallpass token mint --subject bot --expires-in 30d

From a shared secret come tokens of sub, iat and perhaps exp; from a ring those of its keys, with all their claims.

Exit codes: 0 minted, 1 no key or a wrong one, 2 invalid arguments.";

/// The token to mint.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Mint {
    #[command(flatten)]
    keys: KeyArguments,
    /// Who the token is for [default: client; none for background tokens].
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// How long it lives: 3600s, 30m, 24h, 30d, 4w, never [default: never with a secret; with a ring 1h, for service tokens 5m].
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Life>,
    /// Ring only: the key's name [default: the one that may sign].
    #[arg(long, value_name = "KID")]
    kid: Option<String>,
    /// Ring only: the kind of token.
    #[arg(long = "type", value_enum, value_name = "TYPE", default_value_t = Kind::User)]
    kind: Kind,
    /// Ring only: the service that holds the token [default: the key's owner; for background tokens its part `-training`].
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Ring only: a scope, or several with commas or spaces; repeatable [default: for user tokens all that the key may sign
    /// and users' RPCs demand, `…:admin` excepted; for others those that end in `:read`].
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Ring only: a service that the token is meant for; repeatable [default: all that the key may sign for].
    #[arg(long = "audience", value_name = "NAME")]
    audiences: Vec<String>,
    /// Ring only: the job that a background token is for.
    #[arg(long, value_name = "ID")]
    job_id: Option<String>,
    /// Ring only: what the user is; repeatable.
    #[arg(long = "role", value_name = "NAME")]
    roles: Vec<String>,
    /// Ring only: a factor by which the user has proved who they are just now, such as `otp`; repeatable.
    #[arg(long = "amr", value_name = "FACTOR")]
    amr: Vec<String>,
    /// Ring only: the one object that the token is for, such as `dataset:ds_1`.
    #[arg(long, value_name = "TYPE:ID")]
    resource: Option<Object>,
    /// Ring only, user and service tokens: a bucket that the storage grants name, repeatable; the shortest form is written.
    #[arg(long = "bucket", value_name = "NAME")]
    buckets: Vec<String>,
    /// Ring only: an operation that the storage grants allow, such as `s3:GetObject` or its code `g`; repeatable.
    #[arg(long = "permission", value_name = "OPERATION")]
    permissions: Vec<String>,
    /// Ring only: what the storage grants go up to.
    #[arg(long, value_name = "LEVEL", value_parser = ["read", "write", "admin"])]
    level: Option<String>,
}

/// The kinds of token that can be minted by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A person or an API client.
    User,
    /// A service, for one user.
    Service,
    /// A worker, for no user.
    Background,
}

/// An object, as `type:id`.
#[derive(Debug, Clone)]
struct Object {
    kind: String,
    id: String,
}

impl FromStr for Object {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((kind, id)) if !kind.is_empty() && !id.is_empty() => {
                Ok(Self { kind: kind.to_owned(), id: id.to_owned() })
            }
            _ => Err("not an object; right: its type and id, such as dataset:ds_1"),
        }
    }
}

impl Kind {
    const fn token_type(self) -> TokenType {
        match self {
            Self::User => TokenType::User,
            Self::Service => TokenType::Service,
            Self::Background => TokenType::Background,
        }
    }

    /// The ring of a data folder that signs this kind.
    const fn ring(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Service | Self::Background => "platform",
        }
    }
}

/// Mints and prints.
pub(crate) fn run(wanted: &Mint, format: Format) -> Result<(), Failure> {
    let now = Clock::system().precise();
    let keys = wanted.keys.clone().find(wanted.kind.ring())?;
    let minted = match &keys {
        Keys::Secret { secret, algorithm, .. } => bearer(wanted, secret, *algorithm, now)?,
        Keys::Ring(file) => from_ring(wanted, file, now)?,
    };
    match format {
        Format::Text => output::print(&format!("{}\n", minted.expose())),
        Format::Json => output::print_json(&json!({
            "token": minted.expose(),
            "expires_at": minted.expires_at().map(UnixTime::as_secs),
        })),
    }
}

/// A token as `bearer-v1` has it.
fn bearer(
    wanted: &Mint,
    secret: &SecretString,
    algorithm: Algorithm,
    now: UnixTime,
) -> Result<MintedToken, Failure> {
    let of_rings = [
        ("--kid", wanted.kid.is_some()),
        ("--type", wanted.kind != Kind::User),
        ("--service", wanted.service.is_some()),
        ("--scope", !wanted.scopes.is_empty()),
        ("--audience", !wanted.audiences.is_empty()),
        ("--job-id", wanted.job_id.is_some()),
        ("--role", !wanted.roles.is_empty()),
        ("--amr", !wanted.amr.is_empty()),
        ("--resource", wanted.resource.is_some()),
        ("--bucket", !wanted.buckets.is_empty()),
        ("--permission", !wanted.permissions.is_empty()),
        ("--level", wanted.level.is_some()),
    ];
    if let Some((flag, _)) = of_rings.iter().find(|(_, given)| *given) {
        let right = "right: leave it out, or name a ring with --ring or --data";
        return Err(Failure::arguments(format_args!("{flag}: not with a shared secret; {right}")));
    }
    let life = match wanted.expires_in {
        Some(Life::For(life)) => Some(life),
        Some(Life::Never) | None => None,
    };
    let subject = wanted.subject.as_deref().unwrap_or("client");
    mint_bearer(secret, algorithm, subject, now, life)
        .map_err(|error| Failure::failed(format_args!("token not minted: {error}")))
}

fn from_ring(wanted: &Mint, file: &RingFile, now: UnixTime) -> Result<MintedToken, Failure> {
    let key = choose(wanted, file)?;
    let at_key = |problem: &dyn std::fmt::Display| {
        let (path, kid) = (file.path.display(), plain(key.kid()));
        Failure::failed(format_args!("{path}: key {kid}: {problem}"))
    };
    let mut token = NewToken::new(wanted.kind.token_type(), fresh_id()?);
    token.subject = subject(wanted);
    token.service = service(wanted, key);
    token.scopes = scopes(wanted, key).map_err(|problem| at_key(&problem))?;
    token.audience = audiences(wanted, key).map_err(|problem| at_key(&problem))?;
    token.job_id.clone_from(&wanted.job_id);
    let object = wanted.resource.as_ref();
    token.resource = object.map(|of| ResourceClaim { kind: of.kind.clone(), id: of.id.clone() });
    token.roles.clone_from(&wanted.roles);
    token.amr.clone_from(&wanted.amr);
    token.auth_time = (!wanted.amr.is_empty()).then_some(now.whole());
    token.grants = grants(wanted)?;
    token.life = match wanted.expires_in {
        Some(Life::For(life)) => Some(life),
        Some(Life::Never) if wanted.kind == Kind::User && key.allows_no_expiry() => None,
        Some(Life::Never) => return Err(at_key(&"its entry does not allow tokens without end")),
        None => Some(token.token_type.usual_life()),
    };
    file.ring.mint(key.kid(), &token, now).map_err(|error| at_key(&error))
}

/// The storage grants, if one of their flags is given.
fn grants(wanted: &Mint) -> Result<Option<Grants>, Failure> {
    if wanted.buckets.is_empty() && wanted.permissions.is_empty() && wanted.level.is_none() {
        return Ok(None);
    }
    let level = wanted.level.as_deref().and_then(Level::named);
    let grants = Grants::of(&wanted.buckets, &wanted.permissions, level).map_err(|name| {
        let right = "right: --bucket with the name of a bucket, --permission with an operation such as s3:GetObject";
        Failure::arguments(format_args!("{}: no bucket or operation; {right}", plain(&name)))
    });
    grants.map(Some)
}

/// The named key, or the only one that signs this kind.
fn choose<'a>(wanted: &Mint, file: &'a RingFile) -> Result<&'a Key, Failure> {
    let kind = wanted.kind.token_type();
    let path = file.path.display();
    let names = |keys: &[&Key]| {
        let names: Vec<_> = keys.iter().map(|key| plain(key.kid())).collect();
        names.join(", ")
    };
    if let Some(kid) = &wanted.kid {
        let all: Vec<_> = file.ring.keys().collect();
        return file.ring.key(kid).ok_or_else(|| {
            let problem = format!("not in {path}; right: one of {}", names(&all));
            Failure::failed(format_args!("--kid {}: {problem}", plain(kid)))
        });
    }
    let signs =
        |key: &&Key| key.state() == KeyState::Active && key.can_sign() && key.may_sign(kind);
    let fitting: Vec<_> = file.ring.keys().filter(signs).collect();
    match fitting.as_slice() {
        [key] => Ok(key),
        [] => Err(Failure::failed(format_args!(
            "{path}: no active key with a private part signs {kind} tokens; right: a ring that has one"
        ))),
        several => Err(Failure::failed(format_args!(
            "{path}: several keys sign {kind} tokens; right: --kid with one of {}",
            names(several)
        ))),
    }
}

fn subject(wanted: &Mint) -> Option<String> {
    let usual = (wanted.kind != Kind::Background).then(|| "client".to_owned());
    wanted.subject.clone().or(usual)
}

fn service(wanted: &Mint, key: &Key) -> Option<String> {
    let usual = match wanted.kind {
        Kind::User => None,
        Kind::Service => Some(key.owner().to_owned()),
        Kind::Background => Some(format!("{}-training", key.owner())),
    };
    wanted.service.clone().or(usual)
}

/// Whether an RPC that users call demands the scope, and it is not an administrator's. A ring of other services has other scopes,
/// which this contract knows nothing of: they all are.
fn is_everyday(scope: &str) -> bool {
    let ours = SERVICES.iter().flat_map(|service| service.scopes).any(|(name, _)| *name == scope);
    let demanded = |rule: &Rule| rule.scope == Some(scope) && rule.accepts(TokenType::User);
    !ours || (!scope.ends_with(":admin") && RULES.iter().any(demanded))
}

fn scopes(wanted: &Mint, key: &Key) -> Result<Scopes, String> {
    let named: Scopes = wanted
        .scopes
        .iter()
        .flat_map(|scopes| scopes.split([',', ' ']))
        .filter(|scope| !scope.is_empty())
        .collect();
    if let Some(scope) = named.iter().find(|scope| !key.scopes().contains(scope)) {
        return Err(format!("may not sign the scope {}; right: {}", plain(scope), key.scopes()));
    }
    Ok(match wanted.kind {
        _ if !wanted.scopes.is_empty() => named,
        Kind::User => key.scopes().iter().filter(|scope| is_everyday(scope)).collect(),
        Kind::Service | Kind::Background => {
            key.scopes().iter().filter(|scope| scope.ends_with(":read")).collect()
        }
    })
}

fn audiences(wanted: &Mint, key: &Key) -> Result<Vec<String>, String> {
    if let Some(name) = wanted.audiences.iter().find(|name| !key.may_reach(name)) {
        let right = key.audiences().join(", ");
        return Err(format!("may not sign for the audience {}; right: {right}", plain(name)));
    }
    let named = !wanted.audiences.is_empty();
    Ok(if named { wanted.audiences.clone() } else { key.audiences().to_vec() })
}

fn fresh_id() -> Result<TokenId, Failure> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Failure::failed("the machine's random source failed"))?;
    Ok(TokenId::from_random(bytes))
}
