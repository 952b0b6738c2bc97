//! What time says of a partition: whether it is silent, and whether its brokers are still there. Time
//! comes as an argument; no I/O.
//!
//! Silent is a partition whose clock has not moved for `--idle` while an answer not older than that said
//! that nothing in it is unread, and none since said otherwise. An outage is not silence: without an answer there is none, and after
//! `--give-up` without any the run fails. So it does where answers come, but for as long none of what they
//! say is unread: a client and its brokers may be of different minds about who leads a partition. Time in which
//! nobody looked does not count: a run held up by its own output has not waited for brokers.

use std::time::{Duration, Instant};

/// How long what is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// After how long a partition is silent; none: never.
    pub idle: Option<Duration>,
    /// After how long without an answer it is given up.
    pub give_up: Duration,
    /// How often it is asked at most whether something is unread.
    pub ask_every: Duration,
}

impl Patience {
    /// From the flags, in seconds.
    pub fn new(idle_s: Option<u32>, give_up_s: u32) -> Patience {
        let idle = idle_s.map(|idle_s| Duration::from_secs(u64::from(idle_s)));
        let give_up = Duration::from_secs(u64::from(give_up_s));
        let shortest = idle.map_or(give_up, |idle| idle.min(give_up));
        let ask_every = (shortest / 4).clamp(Duration::from_millis(250), Duration::from_secs(5));
        Patience { idle, give_up, ask_every }
    }
}

/// One partition's.
#[derive(Clone, Copy, Debug)]
pub struct Vigil {
    moved_at: Instant,
    answered_at: Instant,
    /// When it was asked, if nothing has come since.
    asked_at: Option<Instant>,
    /// When it was asked of which the answer was that nothing is unread, if nothing has come since.
    read_at: Option<Instant>,
    /// Since when answers say that something is unread that would be taken, if nothing has come since.
    starved_since: Option<Instant>,
    silent: bool,
}

impl Vigil {
    /// Of a partition that begins to be read.
    pub fn new(now: Instant) -> Vigil {
        Vigil {
            moved_at: now,
            answered_at: now,
            asked_at: None,
            read_at: None,
            starved_since: None,
            silent: false,
        }
    }

    /// Messages have come.
    pub fn came(&mut self, now: Instant) {
        self.answered_at = now;
        (self.asked_at, self.read_at, self.starved_since, self.silent) = (None, None, None, false);
    }

    /// Its clock has moved.
    pub fn moved(&mut self, now: Instant) {
        self.moved_at = now;
    }

    /// Its brokers have answered something.
    pub fn answered(&mut self, now: Instant) {
        self.answered_at = now;
    }

    /// It is asked now.
    pub fn asked(&mut self, now: Instant) {
        self.asked_at = Some(now);
    }

    /// The answer to that: whether all there is has been read; `takes`: whether the rest would be taken
    /// if it came, and is not held up by us. Given back is whether all still is read, as far as is known.
    pub fn said(&mut self, now: Instant, all_read: bool, takes: bool) -> bool {
        self.answered_at = now;
        let starves = !all_read && takes;
        self.starved_since = starves.then(|| self.starved_since.unwrap_or(now));
        let asked_at = self.asked_at.take().filter(|_| all_read);
        // An earlier answer is worth nothing beside one that knows of more.
        self.read_at = if all_read { asked_at.or(self.read_at) } else { None };
        asked_at.is_some()
    }

    /// Nobody looked for this long.
    pub fn not_looked(&mut self, now: Instant, gone: Duration) {
        self.answered_at = (self.answered_at + gone).min(now);
        self.starved_since = self.starved_since.map(|since| (since + gone).min(now));
    }

    /// Whether it is to be asked. `rests`: it is one that can become silent, and is not held up by us.
    pub fn wants_asking(&self, now: Instant, rests: bool, patience: &Patience) -> bool {
        let since = |at: Instant| now.saturating_duration_since(at);
        let resting = rests && patience.idle.is_some_and(|idle| since(self.moved_at) >= idle);
        since(self.answered_at) >= patience.ask_every
            || (resting && self.read_at.is_none_or(|at| since(at) >= patience.ask_every))
    }

    /// Whether it has become silent just now: says so once, and again after messages have come.
    pub fn falls_silent(&mut self, now: Instant, patience: &Patience) -> bool {
        let Some(idle) = patience.idle else { return false };
        let rests = now.saturating_duration_since(self.moved_at) >= idle;
        if self.silent || !rests || !self.is_all_read(now, patience) {
            return false;
        }
        self.silent = true;
        true
    }

    /// Whether it is silent.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// Whether it was said to be silent and nobody can tell any more: true once for each time.
    pub fn turns_doubtful(&mut self, now: Instant, patience: &Patience) -> bool {
        let long = patience.idle.map(|idle| idle + 2 * patience.ask_every);
        let told = |at: Instant| long.is_some_and(|long| now.saturating_duration_since(at) <= long);
        let doubtful = self.silent && !self.read_at.is_some_and(told);
        self.silent &= !doubtful;
        doubtful
    }

    /// Whether an answer not older than idle said that nothing is unread.
    pub fn is_all_read(&self, now: Instant, patience: &Patience) -> bool {
        let fresh = |idle| self.read_at.is_some_and(|at| now.saturating_duration_since(at) <= idle);
        patience.idle.is_some_and(fresh)
    }

    /// Whether an answer is overdue, but it is not given up yet.
    pub fn is_overdue(&self, now: Instant, patience: &Patience) -> bool {
        now.saturating_duration_since(self.answered_at) > patience.give_up / 4
    }

    /// Whether what is unread has not come for long, but it is not given up yet.
    pub fn starves(&self, now: Instant, patience: &Patience) -> bool {
        self.starved_for(now) > patience.give_up / 4
    }

    /// Whether it is given up as nothing comes of what is unread.
    pub fn is_starved(&self, now: Instant, patience: &Patience) -> bool {
        self.starved_for(now) > patience.give_up
    }

    fn starved_for(&self, now: Instant) -> Duration {
        self.starved_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// Whether it is given up.
    pub fn is_given_up(&self, now: Instant, patience: &Patience) -> bool {
        now.saturating_duration_since(self.answered_at) > patience.give_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    fn patience() -> Patience {
        Patience::new(Some(10), 60)
    }

    #[test]
    fn silent_when_still_and_all_is_read() {
        let (start, patience) = (Instant::now(), patience());
        let mut vigil = Vigil::new(start);
        vigil.asked(at(start, 5));
        vigil.said(at(start, 5), true, true);
        assert!(!vigil.falls_silent(at(start, 9), &patience), "its clock moved lately");
        assert!(vigil.falls_silent(at(start, 10), &patience));
        assert!(vigil.is_silent());
        assert!(!vigil.falls_silent(at(start, 11), &patience), "said once");
        vigil.came(at(start, 12));
        assert!(!vigil.is_silent());
        assert!(!vigil.falls_silent(at(start, 13), &patience), "something may be unread again");
        vigil.asked(at(start, 13));
        vigil.said(at(start, 13), true, true);
        assert!(vigil.falls_silent(at(start, 13), &patience), "and its clock has not moved");
        vigil.came(at(start, 14));
        vigil.moved(at(start, 14));
        vigil.asked(at(start, 20));
        vigil.said(at(start, 20), true, true);
        assert!(!vigil.falls_silent(at(start, 23), &patience));
        assert!(vigil.falls_silent(at(start, 24), &patience));
    }

    #[test]
    fn unread_unanswered_or_stale_is_not_silent() {
        let (start, patience) = (Instant::now(), patience());
        let mut vigil = Vigil::new(start);
        assert!(!vigil.falls_silent(at(start, 30), &patience), "never asked");
        vigil.asked(at(start, 30));
        assert!(!vigil.falls_silent(at(start, 31), &patience), "not answered");
        vigil.said(at(start, 31), false, true);
        assert!(!vigil.falls_silent(at(start, 31), &patience), "something is unread");
        vigil.asked(at(start, 32));
        vigil.came(at(start, 33));
        vigil.said(at(start, 33), true, true);
        assert!(!vigil.falls_silent(at(start, 43), &patience), "asked before messages came");
        vigil.asked(at(start, 43));
        vigil.said(at(start, 44), true, true);
        assert!(!vigil.falls_silent(at(start, 54), &patience), "the answer is too old");
        let off = Patience::new(None, 60);
        vigil.asked(at(start, 54));
        vigil.said(at(start, 54), true, true);
        assert!(!vigil.falls_silent(at(start, 54), &off));
        assert!(vigil.falls_silent(at(start, 54), &patience));
    }

    #[test]
    fn what_is_known_to_be_unread_ends_a_silence() {
        let (start, patience) = (Instant::now(), patience());
        let mut vigil = Vigil::new(start);
        let mut said = |now, all_read| {
            vigil.asked(at(start, now));
            vigil.said(at(start, now), all_read, true);
            let silent = vigil.falls_silent(at(start, now), &patience);
            (silent, vigil.turns_doubtful(at(start, now), &patience))
        };
        assert_eq!(said(5, true), (false, false));
        assert_eq!(said(8, false), (false, false));
        assert_eq!(said(10, false), (false, false), "an older answer said that all was read");
        assert_eq!(said(12, true), (true, false));
        assert_eq!(said(14, false), (false, true));
        assert_eq!(said(15, true), (true, false));
    }

    #[test]
    fn an_outage_ends_a_silence() {
        let (start, patience) = (Instant::now(), patience());
        let mut vigil = Vigil::new(start);
        vigil.asked(at(start, 10));
        vigil.said(at(start, 10), true, true);
        assert!(vigil.falls_silent(at(start, 10), &patience));
        assert!(!vigil.turns_doubtful(at(start, 20), &patience));
        assert!(vigil.turns_doubtful(at(start, 26), &patience));
        assert!(!vigil.turns_doubtful(at(start, 27), &patience), "said once");
        vigil.asked(at(start, 28));
        vigil.said(at(start, 28), true, true);
        assert!(vigil.falls_silent(at(start, 28), &patience));
    }

    #[test]
    fn asked_while_quiet() {
        let (start, patience) = (Instant::now(), patience());
        assert_eq!(patience.ask_every, Duration::from_millis(2500));
        let mut vigil = Vigil::new(start);
        assert!(!vigil.wants_asking(at(start, 2), true, &patience));
        assert!(vigil.wants_asking(at(start, 3), true, &patience));
        assert!(vigil.wants_asking(at(start, 3), false, &patience));
        // Messages come, but its clock stands still.
        vigil.came(at(start, 12));
        assert!(vigil.wants_asking(at(start, 12), true, &patience));
        assert!(!vigil.wants_asking(at(start, 12), false, &patience));
    }

    #[test]
    fn starved_where_what_is_unread_does_not_come() {
        let (start, patience) = (Instant::now(), patience());
        let mut vigil = Vigil::new(start);
        for seconds in (0..=60).step_by(5) {
            vigil.asked(at(start, seconds));
            vigil.said(at(start, seconds), false, true);
            assert_eq!(vigil.starves(at(start, seconds), &patience), seconds > 15);
            assert!(!vigil.is_starved(at(start, seconds), &patience));
            assert!(!vigil.is_overdue(at(start, seconds), &patience), "answers come");
        }
        assert!(vigil.is_starved(at(start, 61), &patience));
        vigil.not_looked(at(start, 61), Duration::from_secs(30));
        assert!(!vigil.is_starved(at(start, 61), &patience));
        // Held up by us, all read, or messages: it begins anew.
        let ends: [fn(&mut Vigil, Instant); 3] = [
            |vigil, now| assert!(!vigil.said(now, false, false)),
            |vigil, now| assert!(!vigil.said(now, true, true)),
            Vigil::came,
        ];
        for end in ends {
            let mut vigil = vigil;
            assert!(vigil.is_starved(at(start, 100), &patience));
            end(&mut vigil, at(start, 100));
            vigil.said(at(start, 101), false, true);
            assert!(!vigil.starves(at(start, 116), &patience));
            assert!(vigil.starves(at(start, 117), &patience));
        }
    }

    #[test]
    fn given_up_after_a_while_of_looking() {
        let (start, patience) = (Instant::now(), patience());
        let mut vigil = Vigil::new(start);
        assert!(!vigil.is_overdue(at(start, 15), &patience));
        assert!(vigil.is_overdue(at(start, 16), &patience));
        assert!(!vigil.is_given_up(at(start, 60), &patience));
        assert!(vigil.is_given_up(at(start, 61), &patience));
        vigil.not_looked(at(start, 61), Duration::from_secs(30));
        assert!(!vigil.is_given_up(at(start, 61), &patience));
        assert!(vigil.is_given_up(at(start, 91), &patience));
        vigil.answered(at(start, 91));
        assert!(!vigil.is_given_up(at(start, 91), &patience));
    }
}
