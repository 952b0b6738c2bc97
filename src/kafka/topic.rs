//! A topic, looked at before the run: that it is there and may be read, how many partitions it has, and
//! where each is entered and left. All on the caller's thread, which waits, at most `--give-up`.

use std::collections::HashMap;
use std::sync::Arc;

use super::backlog::TopicBacklog;
use super::client::{Client, Wakers, c_name};
use super::errors;
use super::fetch;
use super::fetch::lanes::Fixed;
use super::house::wall_ms;
use super::keeper::GroupKeeper;
use super::looker::Looker;
use super::notices::Notices;
use super::positions::{Bound, Nowhere, Position, position};
use super::reader::Reader;
use super::reading::{Beginning, Plan, Reading};
use super::restart::{self, Basis, Committed, Note};
use super::settings::Settings;
use super::table::{Row, Table};
use super::vigil::Patience;
use crate::cli::kafka::{From, TopicArgs, Until};
use crate::clock::ClockSettings;
use crate::clock::agreement::Agree;
use crate::clock::calendar::{Series, SeriesName};
use crate::clock::cutting::ClockCut;
use crate::clock::restart::Restart;
use crate::error::Error;
use crate::input::messages::{ChunkNumbers, MessageReader, MessageSource, News, Partition};
use crate::log;
use crate::output::sink::RestartKeeper;
use crate::recovery::inputs::{InputState, Reads};
use crate::recovery::topic::{Before, PartitionState, TopicState};
use crate::ring::{Stop, Token, Waker};
use crate::stats::Backlog;

/// A topic, looked at. See the module's header.
pub struct Topic {
    client: Arc<Client>,
    plan: Plan,
    positions: Vec<Position>,
    restart: Option<Restart>,
    group: Option<String>,
    max_lag_s: u32,
    windows: String,
    cluster_id: Option<String>,
    table: Table,
    notices: Notices,
    /// How we fetch ourselves; none: librdkafka does.
    fetch: Option<Fixed>,
}

impl Topic {
    /// Looks at the topic of these flags. Restart points are kept with `group`, if any; what a checkpoint left
    /// is gone on with.
    ///
    /// # Errors
    /// It cannot be read, or not from there.
    pub fn look_at(
        args: &TopicArgs,
        name: &str,
        group: Option<&str>,
        clock: &ClockSettings,
        before: Option<Before<'_>>,
    ) -> Result<Topic, Error> {
        let (max_lag_s, windows) = (clock.max_lag_s, windows_of(clock));
        let settings = Settings::read(&args.brokers)?;
        let patience = Patience::new(args.idle.0, args.brokers.give_up);
        let mut looker = Looker::new(args, &settings, name, group, patience)?;
        let topic = looker.topic()?;
        // The budget is shared out over the partitions, so the client that reads is made when their
        // number is known.
        if topic.partitions > 1 {
            looker.client = looker.consumer(&settings, args, topic.partitions, group)?;
            looker.renew();
            // So that it knows the brokers before it asks them for offsets: where librdkafka is told of them only
            // meanwhile, it may miss that, and looks again after 3 s.
            looker.topic()?;
        }
        if let Some(Before { topic: before, name: checkpoint, is_committed }) = before {
            let cluster_id = looker.client.cluster_id();
            before.check(name, &topic.id, cluster_id.as_deref(), checkpoint)?;
            if let Some(group) = group.filter(|_| is_committed) {
                looker.check_committed(group, &topic, before, checkpoint)?;
            }
        }
        let before = before.map(|before| before.topic);
        let committed = match before {
            Some(_) => Vec::new(),
            None => looker.committed(args, group, &topic)?,
        };
        let from = match args.from {
            Some(from) => from,
            None if committed.is_empty() => From::Beginning,
            None => From::Committed,
        };
        let now_ms = wall_ms();
        let looked = looker.partitions(&topic, from, args.until, committed, before)?;
        let positions = looked
            .iter()
            .map(|looked| {
                position(looked, from, args.until, now_ms).map_err(|Nowhere::Beyond(offset)| {
                    errors::cut_back(name, looked.partition, offset, looked.high)
                })
            })
            .collect::<Result<Vec<Position>, Error>>()?;
        for position in &positions {
            if let Some(lost_from) = position.lost_from {
                looker.say_lost(position, lost_from, args)?;
            }
        }
        for &Position { partition, start, .. } in &positions {
            tracing::debug!(
                target: log::KAFKA,
                topic = name,
                partition,
                offset = start,
                "topic {name}, partition {partition}: read from offset {start} on"
            );
        }
        if args.until == Some(Until::End) {
            looker.say_open(&looked);
        }
        let all: Vec<Committed> = match from {
            From::Committed => looked.into_iter().filter_map(|looked| looked.committed).collect(),
            _ => Vec::new(),
        };
        let other = all.iter().filter_map(|one| one.note.as_ref().map(Note::windows));
        if let Some(other) = other.into_iter().find(|&other| other != windows) {
            return Err(errors::other_windows(name, group.unwrap_or_default(), other));
        }
        let plan = Plan {
            topic: name.into(),
            topic_c: c_name(name)?,
            topic_id: topic.id.clone(),
            brokers: settings.brokers().into(),
            isolation: looker.isolation,
            until: args.until,
            on_gap: args.on_gap,
            group: group.map(str::to_owned),
            patience,
            max_skew_s: args.max_skew,
            agree: clock.agree.unwrap_or(Agree::ONE),
            keep_s: clock.keep_s,
            max_ahead_s: clock.agree.map(|_| clock.max_ahead_s),
        };
        let fetch = fetch::start::fixed(
            &settings,
            args,
            (name, &topic.id),
            topic.partitions,
            looker.isolation,
        );
        Ok(Topic {
            fetch,
            cluster_id: looker.client.cluster_id(),
            client: looker.client,
            plan,
            positions,
            restart: restart::restart(&all, max_lag_s),
            group: group.map(str::to_owned),
            max_lag_s,
            windows,
            table: Table::default(),
            notices: looker.notices,
        })
    }

    /// What checkpoints say of it.
    pub fn reads(&self) -> Box<dyn Reads> {
        Box::new(TopicPlaces {
            topic: self.plan.topic.clone(),
            topic_id: self.plan.topic_id.clone(),
            cluster_id: self.cluster_id.clone(),
            table: self.table.clone(),
        })
    }

    /// What keeps restart points, where a group was given.
    pub fn keeper(&self) -> Option<Box<dyn RestartKeeper>> {
        let group = self.group.as_ref()?;
        let basis = Basis {
            topic_id: self.plan.topic_id.clone(),
            max_lag_s: self.max_lag_s,
            windows: self.windows.clone(),
        };
        let give_up = self.plan.patience.give_up;
        let (topic, table) = (&self.plan.topic, self.table.clone());
        // They are numbered by Kafka's own 32 bits.
        let partitions = Partition::try_from(self.positions.len()).unwrap_or(Partition::MAX);
        let client = &self.client;
        let keeper = GroupKeeper::new(client, group, topic, basis, table, partitions, give_up);
        Some(Box::new(keeper))
    }

    /// Whether it is read up to what is there already.
    pub fn is_bounded(&self) -> bool {
        self.plan.until == Some(Until::End)
    }

    /// Whether it is fetched by ourselves, if its brokers speak as we do.
    pub fn is_fetched_directly(&self) -> bool {
        self.fetch.is_some()
    }

    /// The cluster's id, where the brokers tell it.
    pub fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// The topic's id.
    pub fn topic_id(&self) -> &str {
        &self.plan.topic_id
    }

    /// Where each partition is, now and once it is read.
    pub fn table(&self) -> Table {
        self.table.clone()
    }

    /// What it tells whoever watches.
    pub fn backlog(&self) -> Box<dyn Backlog> {
        Box::new(TopicBacklog::new(&self.client, self.plan.topic_c.clone(), self.table.clone()))
    }

    /// Offsets to be read in all, if that is known.
    pub fn offsets_total(&self) -> Option<u64> {
        let left = |position: &Position| match position.bound {
            Bound::Offset(end) => Some(end.saturating_sub(position.start)),
            Bound::Never | Bound::TimeMs(_) => None,
        };
        self.positions.iter().map(left).sum()
    }
}

impl MessageSource for Topic {
    fn name(&self) -> String {
        self.plan.topic.clone()
    }

    fn start(
        self: Box<Self>,
        wakers: Vec<Waker>,
        chunks: ChunkNumbers,
        stop: Stop,
    ) -> Result<Vec<Box<dyn MessageReader>>, Error> {
        let Topic { client, plan, positions, restart, table, notices, fetch, .. } = *self;
        let first = restart.map(|restart| News::Resumed(Arc::new(restart)));
        let woken = Wakers::new(wakers.clone());
        let lanes = fetch.and_then(|fixed| fetch::start::start(fixed, Arc::clone(&woken)));
        let name: Arc<str> = plan.topic.as_str().into();
        let how = if lanes.is_some() { "directly" } else { "by librdkafka" };
        tracing::debug!(target: log::KAFKA, topic = &*name, how, "topic {name}: fetched {how}");
        let beginning = Beginning {
            client: Arc::clone(&client),
            plan,
            positions,
            first,
            table,
            notices,
            lanes,
        };
        let reading = Reading::begin(beginning, woken, chunks, stop)?;
        let token = Token::new(reading);
        let reader = |waker| -> Box<dyn MessageReader> {
            token.add_waker(waker);
            Box::new(Reader::new(Arc::clone(&client), token.clone(), Arc::clone(&name)))
        };
        Ok(wakers.into_iter().map(reader).collect())
    }
}

/// What checkpoints say of a topic.
struct TopicPlaces {
    topic: String,
    topic_id: String,
    cluster_id: Option<String>,
    table: Table,
}

impl Reads for TopicPlaces {
    fn state(&self, cut: &ClockCut) -> Result<InputState, Error> {
        let next: HashMap<Partition, u64> = cut.clock.partitions.next_offsets().collect();
        let place = |row: Row| {
            let heard = next.get(&row.partition);
            // Before its first message the clock does not know where it was entered.
            let offset = heard.copied().filter(|&offset| offset > 0).unwrap_or(row.entered);
            // The table may be ahead of the cut: where the first messages were found deleted since, the clock of the cut
            // does not know of it.
            let heard = heard.is_some_and(|&offset| offset > 0 || row.entered == 0);
            PartitionState { partition: row.partition, offset, heard }
        };
        let mut partitions: Vec<PartitionState> = self.table.all().into_iter().map(place).collect();
        partitions.sort_unstable_by_key(|one| one.partition);
        Ok(InputState::Topic(TopicState {
            topic: self.topic.clone(),
            topic_id: self.topic_id.clone(),
            cluster_id: self.cluster_id.clone(),
            partitions,
        }))
    }
}

/// The windows of a run, as one text: what restart points are of.
fn windows_of(clock: &ClockSettings) -> String {
    let name = |(name, series): (&SeriesName, &Series)| {
        let zone = name.zone.as_ref().map_or(String::new(), |zone| format!("/{zone}"));
        let past = match series.past_days {
            0 => String::new(),
            days => format!("+{days}d"),
        };
        format!("{}{past}{zone}", name.window)
    };
    let calendar = &clock.calendar;
    calendar.names().iter().zip(calendar.series()).map(name).collect::<Vec<_>>().join(",")
}
