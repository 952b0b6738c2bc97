//! Fetching without librdkafka: what brokers send is read into buffers as it is, and scanned there.
//!
//! librdkafka makes an object of every message, on one thread for each broker, which unpacks compressed
//! batches besides. Here that thread only reads whole answers from its socket ([`node`]) and looks at the
//! heads of batches ([`mod@batch`]); scanners unpack and take apart what they draw ([`records`], [`codec`], [`lz4`]), each its
//! own. All else is librdkafka's as before: what a topic is, where partitions begin and end, commits.
//!
//! [`lanes`] is what both sides share: of each partition where it is fetched and what waits to be drawn.
//! [`mod@start`] says whether we do. [`scout`] asks who leads which partition. Under them [`connection`], [`protocol`], [`wire`].

pub mod batch;
pub mod codec;
pub mod connection;
pub mod lanes;
pub mod lz4;
pub mod node;
pub mod protocol;
pub mod records;
pub mod scout;
pub mod start;
pub mod wire;

#[cfg(test)]
mod tests;
