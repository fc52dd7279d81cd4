//! How the activities of a job follow each other: a pure function of where it is and what became of the attempt.
//!
//! Invariant: an activity that is done is not begun again by itself, the order is never left, no activity is tried more often than
//! allowed, and an abort that was asked for before the end is the end.

use std::time::Duration;

/// A part of a job, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activity {
    /// Looks whether the dataset can be trained on.
    Validate,
    /// Brings the files.
    Fetch,
    /// Runs the trainer.
    Train,
    /// Keeps what the trainer made.
    Publish,
}

/// An attempt, from 1, at an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which activity.
    pub activity: Activity,
    /// Which attempt at it.
    pub attempt: u32,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is done.
    Done,
    /// It is not; `true` if another attempt is worth it.
    Failed(bool),
    /// What an earlier activity had brought is not on this machine.
    Unprepared,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// This, after a pause.
    Run(Place, Duration),
    /// The job has succeeded.
    Succeeded,
    /// The job has failed.
    Failed,
    /// The job was aborted.
    Aborted,
}

/// How often an activity is tried, and how long it is waited in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// So many attempts at one activity.
    pub most: u32,
    /// The pause after the first; each later one is twice as long.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { most: 6, first: Duration::from_secs(1), longest: Duration::from_mins(1) }
    }
}

impl Activity {
    /// All, in their order.
    pub const ALL: [Self; 4] = [Self::Validate, Self::Fetch, Self::Train, Self::Publish];

    /// How it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Fetch => "fetch",
            Self::Train => "train",
            Self::Publish => "publish",
        }
    }

    /// Reads what `as_str` wrote.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activity| activity.as_str() == text)
    }

    const fn following(self) -> Option<Self> {
        match self {
            Self::Validate => Some(Self::Fetch),
            Self::Fetch => Some(Self::Train),
            Self::Train => Some(Self::Publish),
            Self::Publish => None,
        }
    }
}

impl Place {
    /// Where every job begins.
    pub const FIRST: Self = Self { activity: Activity::Validate, attempt: 1 };
}

/// What comes after an attempt.
pub fn next(place: Place, ended: Ended, abort_requested: bool, retries: &Retries) -> Next {
    if abort_requested {
        return Next::Aborted;
    }
    match ended {
        Ended::Done => match place.activity.following() {
            Some(activity) => Next::Run(Place { activity, attempt: 1 }, Duration::ZERO),
            None => Next::Succeeded,
        },
        Ended::Failed(false) => Next::Failed,
        Ended::Failed(true) | Ended::Unprepared if place.attempt >= retries.most => Next::Failed,
        Ended::Failed(true) => {
            let again = Place { attempt: place.attempt + 1, ..place };
            Next::Run(again, retries.pause(place.attempt))
        }
        // The count goes on, so that a job that is moved to and fro comes to an end.
        Ended::Unprepared => {
            let activity = place.activity.min(Activity::Fetch);
            Next::Run(Place { activity, attempt: place.attempt + 1 }, Duration::ZERO)
        }
    }
}

impl Retries {
    /// How long to wait after this attempt.
    fn pause(&self, attempt: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        self.first.saturating_mul(factor).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RETRIES: Retries =
        Retries { most: 3, first: Duration::from_secs(1), longest: Duration::from_secs(3) };

    fn endings() -> impl Strategy<Value = Vec<Ended>> {
        let any = prop_oneof![
            3 => Just(Ended::Done),
            2 => Just(Ended::Failed(true)),
            1 => Just(Ended::Failed(false)),
        ];
        prop::collection::vec(any, 0..40)
    }

    proptest! {
        #[test]
        fn every_job_ends_in_order_and_within_its_attempts(endings in endings(), abort_at in 0..40_usize) {
            let (mut place, mut done) = (Place::FIRST, Vec::new());
            for (step, ended) in endings.into_iter().enumerate() {
                prop_assert!(place.attempt >= 1 && place.attempt <= RETRIES.most);
                prop_assert!(!done.contains(&place.activity), "begun again: {place:?}");
                prop_assert_eq!(place.activity, Activity::ALL[done.len()]);
                if ended == Ended::Done {
                    done.push(place.activity);
                }
                match next(place, ended, step == abort_at, &RETRIES) {
                    Next::Run(following, pause) => {
                        prop_assert!(step != abort_at);
                        prop_assert!(ended != Ended::Failed(false));
                        prop_assert!(pause <= RETRIES.longest);
                        place = following;
                    }
                    Next::Succeeded => { prop_assert_eq!(done.len(), 4); return Ok(()); }
                    Next::Failed => {
                        prop_assert!(ended == Ended::Failed(false) || place.attempt == RETRIES.most);
                        return Ok(());
                    }
                    Next::Aborted => { prop_assert_eq!(step, abort_at); return Ok(()); }
                }
            }
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses = [1, 2, 3, 4, 40].map(|attempt| RETRIES.pause(attempt).as_secs());
        assert_eq!(pauses, [1, 2, 3, 3, 3]);
    }

    #[test]
    fn a_machine_without_the_files_fetches_them() {
        for activity in [Activity::Train, Activity::Publish] {
            let next = next(Place { activity, attempt: 1 }, Ended::Unprepared, false, &RETRIES);
            let fetch = Place { activity: Activity::Fetch, attempt: 2 };
            assert_eq!(next, Next::Run(fetch, Duration::ZERO));
        }
    }
}
