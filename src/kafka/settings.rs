//! Settings of librdkafka: those given by -X, below them those of the file of -F, below them our own.
//! Any setting passes through, security included, but for the few on which exactness rests: those are
//! refused with a word on what to use instead. Both sides, input and output, get their clients'
//! settings here.
//!
//! Values may be secrets: none is shown, neither by an error nor by `Debug`; keys are.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;

use crate::cli::kafka::BrokerArgs;
use crate::error::Error;

/// A setting that is not the user's to choose.
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    /// Its name.
    pub key: &'static str,
    /// What it has to be.
    pub value: &'static str,
    /// Why, or what to use instead: a sentence's end after "cannot be set: ".
    pub why: &'static str,
}

/// Fixed for every client.
const FIXED: [Fixed; 1] = [Fixed {
    key: "allow.auto.create.topics",
    value: "false",
    why: "no topic is ever made by looking at it",
}];

/// The brokers to begin with, which also have a flag.
const BROKER_KEYS: [&str; 2] = ["bootstrap.servers", "metadata.broker.list"];

/// What was given for one key.
#[derive(Clone)]
struct Given {
    value: String,
    /// Where, for messages.
    place: String,
}

/// The settings given, not yet judged.
#[derive(Clone)]
pub struct Settings {
    brokers: String,
    given: BTreeMap<String, Given>,
}

impl Settings {
    /// Reads the flags and the file.
    ///
    /// # Errors
    /// No brokers; a setting without a value; the file cannot be read.
    pub fn read(args: &BrokerArgs) -> Result<Settings, Error> {
        let mut given = BTreeMap::new();
        if let Some(path) = &args.settings_file {
            read_file(path, &mut given)?;
        }
        for setting in &args.settings {
            let place = "-X".to_owned();
            let Some((key, value)) = split(setting) else {
                return Err(Error::usage("-X: give KEY=VALUE"));
            };
            given.insert(key.to_owned(), Given { value: value.to_owned(), place });
        }
        // A file that names the brokers too, as for other clients, needs no flag beside it.
        let named: Vec<Given> = BROKER_KEYS.iter().filter_map(|key| given.remove(*key)).collect();
        let named = named.into_iter().next().map(|given| given.value);
        let brokers =
            args.brokers.clone().or(named).ok_or_else(|| {
                Error::usage("no Kafka brokers: give them by --brokers HOST:PORT")
            })?;
        Ok(Settings { brokers, given })
    }

    /// What the user gave for a key.
    pub fn given(&self, key: &str) -> Option<&str> {
        self.given.get(key).map(|given| given.value.as_str())
    }

    /// All keys the user gave a value for, but for the brokers.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.given.keys().map(String::as_str)
    }

    /// The brokers to begin with.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// A client's settings: the given ones over `defaults`, and `fixed` ones whatever is given.
    ///
    /// # Errors
    /// A setting is unknown, its value cannot be, or it is fixed.
    pub fn client(
        &self,
        defaults: &[(&str, String)],
        fixed: &[Fixed],
    ) -> Result<ClientConfig, Error> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("client.id", "headcount");
        for (key, value) in defaults {
            config.set(*key, value);
        }
        for (key, given) in &self.given {
            config.set(key, &given.value);
        }
        for &Fixed { key, value, why } in FIXED.iter().chain(fixed) {
            if let Some(given) = self.given.get(key)
                && given.value != value
            {
                let place = &given.place;
                return Err(Error::usage(format!("{place}: {key} cannot be set: {why}")));
            }
            config.set(key, value);
        }
        // Lines of its log only for who asks for them; what goes wrong comes as an event besides.
        config.set_log_level(if self.wants_log() {
            RDKafkaLogLevel::Debug
        } else {
            RDKafkaLogLevel::Critical
        });
        config.create_native_config().map(drop).map_err(|error| self.wrong(&error))?;
        Ok(config)
    }

    /// Whether librdkafka's own log is to be seen.
    pub fn wants_log(&self) -> bool {
        self.given.contains_key("debug")
    }

    /// The error for a setting that librdkafka does not take.
    fn wrong(&self, error: &KafkaError) -> Error {
        use rdkafka::types::RDKafkaConfRes;
        let KafkaError::ClientConfig(kind, _, key, _) = error else {
            return Error::Internal("a setting of Kafka could not be handed over".into());
        };
        // librdkafka's own text may quote the value.
        let why = match kind {
            RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN => {
                "no such setting of librdkafka (its CONFIGURATION.md lists them)"
            }
            _ => "not a value that librdkafka takes for it (see its CONFIGURATION.md)",
        };
        match self.given.get(key) {
            Some(given) => Error::usage(format!("{}: {key}: {why}", given.place)),
            None => Error::usage(format!("{key}: {why}")),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&String> = self.given.keys().collect();
        f.debug_struct("Settings").field("brokers", &self.brokers).field("keys", &keys).finish()
    }
}

fn split(setting: &str) -> Option<(&str, &str)> {
    let (key, value) = setting.split_once('=')?;
    let key = key.trim();
    (!key.is_empty()).then_some((key, value.trim()))
}

/// One `KEY=VALUE` a line; blank lines and those that begin with `#` say nothing.
fn read_file(path: &Path, given: &mut BTreeMap<String, Given>) -> Result<(), Error> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| Error::input(&name, e))?;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{name}, line {number}");
        let Some((key, value)) = split(line) else {
            return Err(Error::usage(format!("{place}: give KEY=VALUE")));
        };
        given.insert(key.to_owned(), Given { value: value.to_owned(), place });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const EOF: Fixed =
        Fixed { key: "enable.partition.eof", value: "true", why: "the end is told by it" };

    fn settings(flags: &[&str], file: Option<&str>) -> Result<Settings, Error> {
        let mut held = tempfile::NamedTempFile::new().unwrap();
        held.write_all(file.unwrap_or_default().as_bytes()).unwrap();
        Settings::read(&BrokerArgs {
            brokers: Some("b:1".into()),
            settings: flags.iter().map(ToString::to_string).collect(),
            settings_file: file.map(|_| held.path().to_owned()),
            give_up: 60,
        })
    }

    fn client(flags: &[&str], file: Option<&str>) -> Result<ClientConfig, String> {
        let defaults = [("fetch.wait.max.ms", "100".to_owned())];
        settings(flags, file)
            .and_then(|settings| settings.client(&defaults, &[EOF]))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn flags_go_before_the_file_and_that_before_defaults() {
        let get = |flags: &[&str], file| {
            client(flags, file).unwrap().get("fetch.wait.max.ms").map(str::to_owned).unwrap()
        };
        let file = Some("# a comment\n\n fetch.wait.max.ms = 200\nsasl.password=a=b\n");
        assert_eq!(get(&[], None), "100");
        assert_eq!(get(&[], file), "200");
        assert_eq!(get(&["fetch.wait.max.ms=300"], file), "300");
        assert_eq!(client(&[], file).unwrap().get("sasl.password"), Some("a=b"));
        assert_eq!(client(&[], None).unwrap().get("allow.auto.create.topics"), Some("false"));
        assert_eq!(client(&[], None).unwrap().get("bootstrap.servers"), Some("b:1"));
    }

    #[test]
    fn what_is_wrong_is_named_without_its_value() {
        for (flags, file, words) in [
            (&["nope=s3cret"][..], None, "-X: nope: no such setting"),
            (&["fetch.wait.max.ms=s3cret"], None, "-X: fetch.wait.max.ms: not a value"),
            (&["security.protocol=s3cret"], None, "-X: security.protocol: not a value"),
            (&["enable.partition.eof=false"], None, "the end is told by it"),
            (&["allow.auto.create.topics=true"], None, "cannot be set"),
            (&["s3cret"], None, "-X: give KEY=VALUE"),
            (&["=s3cret"], None, "-X: give KEY=VALUE"),
            (&[], Some("\ns3cret"), ", line 2: give KEY=VALUE"),
            (&[], Some("client.id=x\nnope=s3cret"), ", line 2: nope: no such setting"),
        ] {
            let error = client(flags, file).map(drop).unwrap_err();
            assert!(error.contains(words), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
        assert!(client(&["enable.partition.eof=true"], None).is_ok());
        let settings = settings(&["sasl.password=s3cret"], Some("ssl.key.pem=s3cret")).unwrap();
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn brokers_are_given_by_flag_or_setting() {
        assert!(Settings::read(&BrokerArgs::default()).is_err());
        let named = |brokers: Option<&str>, key: &str| {
            let args = BrokerArgs {
                brokers: brokers.map(str::to_owned),
                settings: vec![format!("{key}=file:2")],
                ..BrokerArgs::default()
            };
            Settings::read(&args).unwrap().brokers().to_owned()
        };
        assert_eq!(named(None, "bootstrap.servers"), "file:2");
        assert_eq!(named(None, "metadata.broker.list"), "file:2");
        assert_eq!(named(Some("flag:1"), "bootstrap.servers"), "flag:1");
    }
}
