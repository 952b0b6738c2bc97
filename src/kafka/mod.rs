//! Kafka: topics in and out. The only folder that names rdkafka.

pub mod settings;
