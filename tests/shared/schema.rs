//! A checker of values against the schemas in `docs/`. It knows the few keywords they use and refuses any
//! other, so that none is passed over in silence.

use std::collections::BTreeSet;
use std::path::Path;

use headcount::clock::calendar::Length;
use serde_json::Value;

/// Properties that are only there where they say something.
const OPTIONAL: [&str; 6] =
    ["zone", "new", "returning", "past_complete", "parked_before", "since_first_checkpoint"];

const LENGTHS: &str = "^(minute|hour|day|week|month|year|[1-9][0-9]*[smh]|rolling:[1-9][0-9]?d)$";

pub(crate) fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    let mut schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let root = Value::clone(&schema);
    expand(&root, &mut schema);
    schema
}

/// Puts what references name in their places.
fn expand(root: &Value, part: &mut Value) {
    if let Some(to) = part.get("$ref") {
        let path = to.as_str().unwrap().strip_prefix('#').unwrap();
        *part = root.pointer(path).unwrap().clone();
    }
    match part {
        Value::Object(members) => members.values_mut().for_each(|part| expand(root, part)),
        Value::Array(items) => items.iter_mut().for_each(|part| expand(root, part)),
        _ => {}
    }
}

/// Checks a value against a schema, and that an object has exactly the schema's properties.
pub(crate) fn check(schema: &Value, value: &Value, at: &str) {
    let may_be_null = schema["type"].as_array().is_some_and(|types| types.contains(&"null".into()));
    if value.is_null() && may_be_null {
        return;
    }
    for (keyword, says) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "title" | "description" => {}
            "type" => {
                let types = says.as_array().cloned().unwrap_or_else(|| vec![says.clone()]);
                assert!(types.iter().any(|name| is_of(value, name)), "{at}: {value} is no {says}");
            }
            "enum" => assert!(says.as_array().unwrap().contains(value), "{at}: {value}"),
            "minimum" => {
                let least = says.as_f64().unwrap();
                assert!(value.as_f64().is_none_or(|n| n >= least), "{at}: {value} < {least}");
            }
            "pattern" => {
                // The only one: how lengths of windows are named.
                let name = value.as_str().unwrap();
                let length: Length = name.parse().unwrap();
                assert_eq!(
                    (length.to_string(), says.as_str()),
                    (name.into(), Some(LENGTHS)),
                    "{at}"
                );
            }
            "format" => {
                assert_eq!(says, "date-time", "{at}");
                let text = value.as_str().unwrap();
                assert!(text.parse::<jiff::Timestamp>().is_ok(), "{at}: {text} is no time");
            }
            "items" => {
                for (index, item) in value.as_array().unwrap().iter().enumerate() {
                    check(says, item, &format!("{at}[{index}]"));
                }
            }
            "properties" => {
                let properties = says.as_object().unwrap();
                let object = value.as_object().unwrap();
                let names = |keys: &mut dyn Iterator<Item = &String>| -> BTreeSet<String> {
                    keys.cloned().collect()
                };
                let known = names(&mut properties.keys());
                let unknown = names(&mut object.keys()).difference(&known).count();
                assert_eq!(unknown, 0, "{at}: what comes out, and the schema's properties");
                for (name, property) in properties {
                    match object.get(name) {
                        Some(value) => check(property, value, &format!("{at}.{name}")),
                        None => assert!(OPTIONAL.contains(&name.as_str()), "{at}: no {name}"),
                    }
                }
            }
            "required" => {
                let required: BTreeSet<&str> =
                    says.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
                let properties = schema["properties"].as_object().unwrap();
                let always = properties.keys().map(String::as_str);
                let always: BTreeSet<&str> =
                    always.filter(|name| !OPTIONAL.contains(name)).collect();
                assert_eq!(required, always, "{at}: every other property is always there");
            }
            "additionalProperties" => assert_eq!(says, &Value::Bool(false), "{at}"),
            other => unreachable!("{at}: the checker does not know {other}"),
        }
    }
}

fn is_of(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => unreachable!("the checker does not know the type {other}"),
    }
}

/// Every part of a schema says what it means, and an object that nothing else is in it.
pub(crate) fn check_schema(schema: &Value, at: &str) {
    assert!(schema["description"].as_str().is_some_and(|text| !text.is_empty()), "{at}");
    assert!(schema.get("type").is_some(), "{at}");
    if let Some(properties) = schema.get("properties") {
        assert_eq!(schema["additionalProperties"], Value::Bool(false), "{at}");
        assert!(schema.get("required").is_some(), "{at}");
        for (name, property) in properties.as_object().unwrap() {
            check_schema(property, &format!("{at}.{name}"));
        }
    }
    if let Some(items) = schema.get("items") {
        check_schema(items, &format!("{at}[]"));
    }
}
