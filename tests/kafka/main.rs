//! The real binary against a real broker: what goes into a topic, what comes out of one, and what is said
//! when the broker does not play along. Nothing of Kafka is mocked.
//!
//! All tests are ignored, as they need a broker: `scripts/test` starts one. By hand:
//!
//! ```text
//! export HEADCOUNT_KAFKA_DIR=/tmp/a-broker
//! export HEADCOUNT_BROKERS=$(scripts/kafka up --secure --dir $HEADCOUNT_KAFKA_DIR)
//! cargo test --test kafka -- --ignored
//! scripts/kafka down --dir $HEADCOUNT_KAFKA_DIR
//! ```
//!
//! Each test has topics of its own, by name; one that stops its broker starts one of its own. Deadlines
//! only catch what hangs; nothing here depends on how long anything takes.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is the assertion")]
#![allow(clippy::panic, reason = "in tests a panic is the assertion")]

mod answers;
mod broker;
mod denied;
mod exactly_once;
#[path = "../shared/exposition.rs"]
mod exposition;
mod fill;
mod following;
mod frames;
mod gaps;
mod growing;
mod harness;
#[path = "../shared/http.rs"]
mod http;
mod log;
mod outage;
mod output;
mod partitions;
mod positions;
#[path = "../shared/ran.rs"]
mod ran;
mod records;
mod refused;
mod rejects;
mod resume;
mod silence;
mod sizes;
mod topic;
mod transactions;
mod watched;
