//! Kafka: topics in and out. The only folder that names rdkafka.
//!
//! In: [`topic`] looks at a topic before the run ([`looker`] asks, [`positions`] decides where partitions
//! are entered and left), [`reading`] is what the scanners' readers ([`reader`], [`held`]) share while it
//! is read: partitions ([`part`], [`assign`]), which of them wait ([`skew`]), what falls due ([`house`]),
//! what time says of a partition ([`vigil`]), the watch over the topic ([`watch`]), and what is done
//! about messages that are gone ([`mend`]). Where it can be, messages are fetched past librdkafka
//! ([`fetch`]). [`keeper`] commits restart points in the form of [`restart`]; [`table`] knows how far each
//! partition is, and [`backlog`] tells whoever watches.
//!
//! Out: [`output_topic`] looks at a topic before the run and makes it ([`admin`]); [`sink`] writes results,
//! [`rejects`] frames refused and [`fill`] sample frames, by a [`producer`] to its [`topic_handle`] ([`way`]).
//!
//! Exactly once: results and rejects go by [`transactions`] instead, together with offsets and with the
//! checkpoint, which lies in the [`state_topic`] as [`state_record`]s and is read back
//! ([`state_reading`]) into a [`scratch`] directory.
//!
//! Under it: [`settings`], [`consumer`] (the reader's), [`client`], `malloc`, [`event`] and [`ask`] (the C
//! interface), [`mod@line`], [`errors`], [`notices`].

pub mod admin;
pub mod ask;
pub mod assign;
pub mod backlog;
pub mod client;
pub mod consumer;
pub mod errors;
pub mod event;
pub mod fetch;
pub mod fill;
pub mod held;
pub mod house;
pub mod keeper;
pub mod line;
pub mod looker;
mod malloc;
pub mod mend;
pub mod notices;
pub mod output_topic;
pub mod part;
pub mod positions;
pub mod producer;
pub mod reader;
pub mod reading;
pub mod rejects;
pub mod restart;
pub mod scratch;
pub mod settings;
pub mod sink;
pub mod skew;
pub mod state_reading;
pub mod state_record;
pub mod state_topic;
pub mod table;
pub mod topic;
pub mod topic_handle;
pub mod transactions;
pub mod vigil;
pub mod watch;
pub mod way;
