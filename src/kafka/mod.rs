//! Kafka: topics in and out. The only folder that names rdkafka.

mod admin;
pub mod fill;
pub mod output_topic;
pub mod producer;
pub mod settings;
pub mod sink;
