//! The elevated operations: each declared by one process, in one way, with bounds that can be kept.

use std::collections::BTreeMap;

use super::vocabulary::Vocabulary;
use crate::model::{Model, Service};
use crate::names;
use crate::options::{ActionOption, ServiceOption};
use crate::problem::{Place, Report};

/// The bounds of every action token's life, in seconds, and its life where nothing else is said.
const SHORTEST: u32 = 30;
const LONGEST: u32 = 600;
const USUAL: u32 = 120;

/// An elevated operation in which nothing is wrong.
#[derive(Debug)]
pub(crate) struct CheckedAction {
    pub(crate) option: ActionOption,
    /// The audience of the services that declare it.
    pub(crate) owner: String,
    /// Seconds: the shortest, the longest, the usual.
    pub(crate) life: [u32; 3],
}

/// Gathers the operations of all services, in the order of their audiences, and reports what is declared badly or in two ways.
pub(super) fn gather(
    model: &Model,
    vocabulary: &Vocabulary,
    report: &mut Report,
) -> Vec<CheckedAction> {
    let mut first: BTreeMap<&str, (&Service, &ServiceOption, &ActionOption)> = BTreeMap::new();
    for service in &model.services {
        let Some(option) = &service.option else { continue };
        for (at, action) in option.actions.iter().enumerate() {
            let audience = action.audience.as_str();
            if option.actions[..at].iter().any(|other| other.audience == audience) {
                report.add(&service.place, format!("declares the action {audience:?} twice"));
                continue;
            }
            match first.get(audience) {
                None => {
                    alone(&service.place, action, vocabulary, report);
                    first.insert(audience, (service, option, action));
                }
                Some(before) => beside((service, option, action), *before, report),
            }
        }
    }
    let checked = |(_, option, action): (&Service, &ServiceOption, &ActionOption)| CheckedAction {
        option: action.clone(),
        owner: option.audience.clone(),
        life: life(action),
    };
    first.into_values().map(checked).collect()
}

/// What is wrong with one operation by itself.
fn alone(place: &Place, action: &ActionOption, vocabulary: &Vocabulary, report: &mut Report) {
    let audience = action.audience.as_str();
    let mut add = |problem: &str| {
        report.add(place, format!("declares the action {audience:?}, {problem}"));
    };
    if !names::is_word(audience) {
        add("which is not one plain word");
    }
    if vocabulary.audiences.contains(audience) {
        add("which is a service's audience; name the operation instead");
    }
    if action.description.is_empty() {
        add("without a description; say in one sentence what it does");
    }
    let [shortest, longest, usual] = life(action);
    if shortest < SHORTEST || longest > LONGEST || shortest > longest {
        add("whose life has no bounds within 30 to 600 seconds");
    } else if !(shortest..=longest).contains(&usual) {
        add("whose usual life is not within its bounds");
    }
    if !are_words(&action.roles) {
        add("whose roles are not plain words, each named once");
    }
    if let Some(step_up) = &action.step_up {
        if step_up.amr.is_empty() && step_up.max_age_seconds == 0 {
            add("whose step-up demands nothing; name factors in `amr`, or `max_age_seconds`");
        }
        if !are_words(&step_up.amr) {
            add("whose factors are not plain words, each named once");
        }
    }
}

/// Two services speak of one operation: they are of one process, and say the same.
fn beside(
    (service, option, action): (&Service, &ServiceOption, &ActionOption),
    (owner, owners, other): (&Service, &ServiceOption, &ActionOption),
    report: &mut Report,
) {
    let (audience, owner) = (&action.audience, owner.descriptor.full_name());
    if option.audience != owners.audience {
        let theirs = &owners.audience;
        report.add(
            &service.place,
            format!(
                "declares the action {audience:?}, which {owner} declares for the audience {theirs:?}; one process owns it"
            ),
        );
    } else if action != other {
        report.add(
            &service.place,
            format!("declares the action {audience:?} differently from {owner}; declare it in the same words"),
        );
    }
}

/// The bounds and the usual life, with the defaults for what is not said.
fn life(action: &ActionOption) -> [u32; 3] {
    let or = |stated: u32, default: u32| if stated == 0 { default } else { stated };
    let shortest = or(action.shortest_life_seconds, SHORTEST);
    let longest = or(action.longest_life_seconds, LONGEST);
    [shortest, longest, or(action.usual_life_seconds, USUAL.max(shortest).min(longest))]
}

fn are_words(words: &[String]) -> bool {
    let once = |(at, word): (usize, &String)| !words[..at].contains(word);
    words.iter().all(|word| names::is_word(word)) && words.iter().enumerate().all(once)
}
