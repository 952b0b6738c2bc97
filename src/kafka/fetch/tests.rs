//! Without brokers; those are asked in tests/kafka.

mod batches;
mod lanes;
