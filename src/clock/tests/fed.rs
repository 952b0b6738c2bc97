//! A clock fed by hand, and what it says as text.

use super::super::state::Serial;
use super::super::verdict::{Deed, NO_SLOT, Status};
use super::super::*;
use super::batch;
use crate::count::hash::UidHasher;

/// A result: series, the second it is named by, what was counted, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word {
    pub(super) series: u8,
    pub(super) ts_s: i64,
    pub(super) frames: u64,
    pub(super) late: u64,
    pub(super) users: u64,
    /// Frames of its past.
    pub(super) past: u64,
    pub(super) rev: u32,
    pub(super) status: &'static str,
    pub(super) closed_by: &'static str,
    pub(super) complete: bool,
}

/// A clock with its verdicts. Each frame is another user's, so that counters are a number a slot.
pub(super) struct Fed {
    pub(super) clock: Clock,
    series: usize,
    places: usize,
    pub(super) verdicts: Verdicts,
    users: Vec<Option<u64>>,
    /// By slot its past's.
    pasts: std::collections::BTreeMap<usize, usize>,
    /// What came of it, as text.
    pub(super) said: Vec<String>,
    pub(super) out: Vec<Word>,
    pub(super) restart: Option<Arc<Restart>>,
    pub(super) fed: u64,
    /// Results of clocks before this one.
    results_before: u64,
}

/// A clock's state as JSON, and by serial the users that its counter would have.
pub(super) struct Left {
    pub(super) state: Vec<u8>,
    users: std::collections::BTreeMap<Serial, u64>,
}

impl Fed {
    pub(super) fn new(settings: &ClockSettings) -> Fed {
        let series = settings.calendar.series().len();
        let places = settings.calendar.places();
        Fed {
            clock: Clock::new(settings),
            series,
            places,
            verdicts: Verdicts::new(64, series, places),
            users: vec![None; crate::limits::WINDOWS_OPEN_MAX],
            pasts: Default::default(),
            said: Vec::new(),
            out: Vec::new(),
            restart: None,
            fed: 0,
            results_before: 0,
        }
    }

    /// Partitions with the plain clock.
    pub(super) fn plain(max_lag_s: u32) -> Fed {
        let settings = ClockSettings { max_lag_s, partitioned: true, ..ClockSettings::plain() };
        Fed::new(&settings)
    }

    pub(super) fn frames(&mut self, partition: Partition, first_offset: u64, times: &[i64]) {
        self.frames_at(partition, first_offset, times, None);
    }

    /// The same, read at this time of the wall clock.
    pub(super) fn frames_at(
        &mut self,
        partition: Partition,
        first_offset: u64,
        times: &[i64],
        wall_s: Option<i64>,
    ) {
        self.verdicts.clear();
        let batch = batch(times, Some(first_offset), [self.series, self.places]);
        let next_offset = if times.is_empty() { 0 } else { first_offset + times.len() as u64 };
        let facts = &batch.facts;
        let frames = Frames { partition, facts, held: None, next_offset, wall_s };
        self.clock.judge(&frames, &mut self.verdicts);
        self.fed += times.len() as u64;
        assert_eq!(self.verdicts.route_of().len(), times.len());
        self.note();
    }

    /// The log's next times, one partition, in batches of this many.
    pub(super) fn log(&mut self, times: &[i64], step: usize) {
        for times in times.chunks(step) {
            self.frames(0, self.fed, times);
        }
    }

    pub(super) fn news(&mut self, news: &News) {
        self.verdicts.clear();
        self.clock.hear(news, &mut self.verdicts);
        self.note();
    }

    pub(super) fn finish(&mut self, broken_off: bool) {
        self.verdicts.clear();
        let end = if broken_off { LogEnd::BrokenOff } else { LogEnd::Read };
        self.clock.finish(end, &mut self.verdicts);
        self.note();
        let judged = self.clock.judged();
        let in_windows = judged.frames_put_out + judged.frames_left_open + judged.frames_not_begun;
        assert_eq!(judged.in_windows, in_windows);
        let sum = judged.counted
            + judged.refused_late
            + judged.refused_future
            + judged.refused_gone
            + judged.out_before
            + judged.parked;
        assert_eq!(sum, self.fed);
    }

    fn note(&mut self) {
        let verdicts = &self.verdicts;
        let mut heads = verdicts.heads().iter().peekable();
        let mut marks = verdicts.marks().iter().peekable();
        let mut refusals = verdicts.refusals().iter().peekable();
        let mut released = 0;
        for place in 0..=verdicts.route_of().len() {
            while let Some(mark) = marks.next_if(|mark| usize::from(mark.place) == place) {
                let slot = usize::from(mark.slot);
                match mark.deed {
                    Deed::Open => assert_eq!(self.users[slot].replace(0), None),
                    Deed::OpenPast(window) => {
                        assert_eq!(self.users[slot].replace(0), None);
                        assert_eq!(self.users[usize::from(window)], Some(0));
                        self.pasts.insert(usize::from(window), slot);
                    }
                    Deed::Free => assert!(self.users[slot].take().is_some()),
                    Deed::Cut => unreachable!("the clock's stage cuts"),
                    Deed::Release(facts) => {
                        for _ in 0..facts {
                            let fact = verdicts.released().of_shard(released, 0).unwrap();
                            released += 1;
                            for &slot in verdicts.slots(fact.route) {
                                if slot != NO_SLOT {
                                    *self.users[usize::from(slot)].as_mut().unwrap() += 1;
                                }
                            }
                        }
                    }
                    Deed::Report | Deed::Show(_) => {
                        let shown = if let Deed::Show(facts) = mark.deed { facts } else { 0 };
                        released += shown as usize;
                        let head = loop {
                            let head = heads.next().unwrap();
                            word(head, 0, &mut self.said, &mut self.out);
                            if head.counted {
                                break head;
                            }
                        };
                        let users = self.users[slot].unwrap() + u64::from(shown);
                        assert_eq!(users, head.frames, "{head:?}");
                        let word = self.out.last_mut().unwrap();
                        word.users = users;
                        if head.past.is_some() {
                            word.past = self.users[self.pasts[&slot]].unwrap();
                        }
                    }
                }
            }
            if let Some(&route) = verdicts.route_of().get(place) {
                for &slot in verdicts.slots(route) {
                    if slot != NO_SLOT {
                        *self.users[usize::from(slot)].as_mut().unwrap() += 1;
                    }
                }
                if let Some((_, why)) = refusals.next_if(|(at, _)| usize::from(*at) == place) {
                    self.said.push(why.as_str().into());
                }
            }
        }
        heads.for_each(|head| word(head, 0, &mut self.said, &mut self.out));
        if let Some(restart) = self.clock.take_restart() {
            self.restart = Some(restart);
        }
        assert!(self.clock.take_failed().is_none());
        assert_eq!(self.clock.judged().results, self.results_before + self.out.len() as u64);
    }

    /// Goes on with another clock, made of a state and the users its windows had then.
    pub(super) fn go_on_from(&mut self, settings: &ClockSettings, left: &Left) {
        let state = serde_json::from_slice(&left.state).unwrap();
        self.clock = Clock::restore(settings, state, &UidHasher::new(1)).unwrap();
        (self.series, self.places) = (settings.calendar.series().len(), settings.calendar.places());
        self.verdicts = Verdicts::new(64, self.series, self.places);
        self.users.fill(None);
        self.pasts.clear();
        for of in self.clock.slots_in_use() {
            let slot = usize::from(of.slot);
            let users = left.users.get(&of.serial).copied().unwrap_or(0);
            assert_eq!(self.users[slot].replace(users), None);
            if let Some(window) = of.past_of {
                self.pasts.insert(usize::from(window), slot);
            }
        }
        self.results_before = self.clock.judged().results;
        self.out.clear();
    }

    /// What another clock needs to go on from here; at the end of the log what it needs once all is said.
    pub(super) fn leave(&mut self, at_end: bool) -> Left {
        let users = |fed: &Fed| -> std::collections::BTreeMap<Serial, u64> {
            let slots = fed.clock.slots_in_use();
            slots.iter().map(|of| (of.serial, fed.users[usize::from(of.slot)].unwrap())).collect()
        };
        let (before, users) = (self.clock.state(), users(self));
        let state = match at_end {
            true => {
                self.finish(false);
                self.clock.state_after_end(before)
            }
            false => before,
        };
        Left { state: serde_json::to_vec(&state).unwrap(), users }
    }

    pub(super) fn join(&mut self, entries: &[Entry]) {
        for (partition, &entry) in (0..).zip(entries) {
            self.news(&News::Joined { partition, entry });
        }
    }

    #[track_caller]
    pub(super) fn says(&mut self, expected: &str) {
        assert_eq!(self.said.join(" "), expected);
        self.said.clear();
    }
}

fn word(head: &verdict::Head, users: u64, said: &mut Vec<String>, out: &mut Vec<Word>) {
    let mut text = format!("[{} {}", head.window.ts_s, head.frames);
    if head.window.series > 0 {
        text = format!("[{}:{} {}", head.window.series, head.window.ts_s, head.frames);
    }
    if head.late > 0 {
        text += &format!(" late {}", head.late);
    }
    text += &format!(" {}", head.closed_by.as_str());
    if head.status != Status::Final {
        text += &format!(" {}", head.status.as_str());
    }
    if head.rev > 0 {
        text += &format!(" rev {}", head.rev);
    }
    text += if head.complete { "]" } else { " part]" };
    said.push(text);
    out.push(Word {
        series: head.window.series,
        ts_s: head.window.ts_s,
        frames: head.frames,
        late: head.late,
        users,
        past: 0,
        rev: head.rev,
        status: head.status.as_str(),
        closed_by: head.closed_by.as_str(),
        complete: head.complete,
    });
}
