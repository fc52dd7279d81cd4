//! How often action tokens were issued, used and refused: by hour, operation and user, for a day.
//!
//! Invariant: bounded, whoever calls: of each hour so many users are told apart, and all others counted as one. One user's counts are found
//! without a look at the others'.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use hallpass_policy::{Action, Outcome};
use hallpass_token::{UnixTime, Verified};

/// How many hours are kept.
const HOURS: u64 = 24;
/// How many users are told apart in an hour: with the longest names 16 MiB in a day.
const TOLD_APART: usize = 1024;
const HOUR_SECS: u64 = 3600;

/// What became of the action tokens of one user for one operation in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// When the hour began.
    pub hour: UnixTime,
    /// The operation's audience.
    pub audience: &'static str,
    /// Who issued the user's token; empty for those who are not told apart.
    pub issuer: String,
    /// The user; empty for those who are not told apart.
    pub subject: String,
    /// How many tokens were issued.
    pub issued: u64,
    /// How many calls were let through.
    pub used: u64,
    /// How many calls were refused for their action token.
    pub refused: u64,
}

/// The counts of a day.
#[derive(Debug)]
pub(super) struct Usage {
    since: UnixTime,
    hours: Mutex<BTreeMap<u64, HashMap<User, Own>>>,
}

/// One user's counts in an hour, by operation.
type Own = HashMap<&'static str, Counts>;

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct User {
    issuer: String,
    subject: String,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    issued: u64,
    used: u64,
    refused: u64,
}

impl Usage {
    pub(super) fn since(now: UnixTime) -> Self {
        Self { since: now, hours: Mutex::default() }
    }

    pub(super) fn note(
        &self,
        action: &'static Action,
        token: &Verified,
        outcome: Outcome,
        now: UnixTime,
    ) {
        let hour = now.as_secs() / HOUR_SECS;
        let mut hours = self.hours.lock().unwrap_or_else(PoisonError::into_inner);
        hours.retain(|kept, _| kept + HOURS > hour);
        let counted = hours.entry(hour).or_default();
        let mut user = User::of(token);
        if counted.len() >= TOLD_APART && !counted.contains_key(&user) {
            user = User::default();
        }
        let counts = counted.entry(user).or_default().entry(action.audience).or_default();
        match outcome {
            Outcome::Issued => counts.issued += 1,
            Outcome::Used => counts.used += 1,
            Outcome::Refused => counts.refused += 1,
        }
    }

    /// The counts of one user or of all, the latest hour first.
    pub(super) fn read(&self, of: Option<&Verified>) -> Vec<UsageRow> {
        let hours = self.hours.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows = Vec::new();
        let own = of.map(User::of);
        for (hour, counted) in hours.iter() {
            let one = own.as_ref().map(|own| counted.get_key_value(own).into_iter());
            let all = own.is_none().then(|| counted.iter());
            for (user, counts) in one.into_iter().flatten().chain(all.into_iter().flatten()) {
                let counted = counts.iter();
                rows.extend(
                    counted.map(|(audience, of)| row(*hour, user, audience, *of, self.since)),
                );
            }
        }
        drop(hours);
        rows.sort_by(|one, other| {
            let key = |row: &UsageRow| (row.audience, row.issuer.clone(), row.subject.clone());
            other.hour.cmp(&one.hour).then_with(|| key(one).cmp(&key(other)))
        });
        rows
    }
}

impl User {
    fn of(token: &Verified) -> Self {
        let subject = token.claims().subject.clone().unwrap_or_default();
        Self { issuer: token.root_issuer().unwrap_or_default().to_owned(), subject }
    }
}

/// The first hour begins when counting began.
fn row(
    hour: u64,
    user: &User,
    audience: &'static str,
    counts: Counts,
    since: UnixTime,
) -> UsageRow {
    let User { issuer, subject } = user.clone();
    let Counts { issued, used, refused } = counts;
    let hour = UnixTime::from_secs(hour * HOUR_SECS).max(since);
    UsageRow { hour, audience, issuer, subject, issued, used, refused }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use std::time::Duration;

    use hallpass_token::{
        Algorithm, KeyRing, KeySpec, KeyState, NewToken, Profile, TokenId, TokenType, generate,
    };

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_100);

    static BURN: Action = Action {
        audience: "library.burn",
        owner: "library",
        description: "",
        shortest_life: Duration::from_secs(30),
        longest_life: Duration::from_mins(10),
        usual_life: Duration::from_mins(2),
        single_use: true,
        roles: &[],
        step_up: None,
    };

    fn users() -> impl Fn(&str) -> Verified {
        let spec = KeySpec {
            kid: "users".to_owned(),
            issuer: "users".to_owned(),
            owner: "users".to_owned(),
            types: vec![TokenType::User],
            scopes: std::iter::empty::<String>().collect(),
            audiences: vec!["library".to_owned()],
            state: KeyState::Active,
            profile: Profile::Standard,
            no_expiry: false,
            roots: None,
            max_life: None,
        };
        let ring = KeyRing::new(vec![generate(Algorithm::EdDsa, spec).unwrap()]).unwrap();
        move |subject| {
            let mut token = NewToken::new(TokenType::User, TokenId::from_random([3; 16]));
            token.subject = Some(subject.to_owned());
            token.audience = vec!["library".to_owned()];
            let minted = ring.mint("users", &token, NOW).unwrap();
            ring.verify(minted.expose(), NOW).unwrap()
        }
    }

    #[test]
    fn each_sees_their_own_by_hour() {
        let (user, usage) = (users(), Usage::since(NOW));
        let (alice, bob) = (user("alice"), user("bob"));
        let later = NOW.plus(Duration::from_hours(1));
        usage.note(&BURN, &alice, Outcome::Issued, NOW);
        usage.note(&BURN, &alice, Outcome::Used, NOW);
        usage.note(&BURN, &alice, Outcome::Refused, later);
        usage.note(&BURN, &bob, Outcome::Issued, NOW);
        let own: Vec<_> = usage
            .read(Some(&alice))
            .into_iter()
            .map(|row| (row.hour.as_secs(), row.issued, row.used, row.refused))
            .collect();
        assert_eq!(own, [(1_800_003_600, 0, 0, 1), (NOW.as_secs(), 1, 1, 0)]);
        assert_eq!(usage.read(None).len(), 3);
        assert!(usage.read(Some(&user("carol"))).is_empty());
    }

    #[test]
    fn many_users_and_many_hours_take_no_more_room() {
        let (user, usage) = (users(), Usage::since(NOW));
        let token = user("alice");
        for hour in 0..100 {
            usage.note(&BURN, &token, Outcome::Used, NOW.plus(Duration::from_hours(hour)));
        }
        assert_eq!(usage.read(None).len(), 24);
        for n in 0..TOLD_APART + 10 {
            usage.note(
                &BURN,
                &user(&n.to_string()),
                Outcome::Used,
                NOW.plus(Duration::from_hours(99)),
            );
        }
        let last = usage.read(None);
        let others = last.iter().find(|row| row.subject.is_empty()).unwrap();
        assert_eq!(others.used, 11);
        assert_eq!(last.len(), 23 + TOLD_APART + 1);
    }
}
