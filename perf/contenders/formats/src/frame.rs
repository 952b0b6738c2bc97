//! One frame as a struct with all its members, for formats that need a schema, and for whole decodes of
//! all of them. Protobuf's tags, FlatBuffers' slots (a tag less one) and Avro's order are those here.
//!
//! What a producer with a schema would do with what `headcount generate` makes: an integer among strings
//! is the string of its digits (headcount itself takes them for the same user), the empty list and object
//! at the end of `tags` are left out, and a member that is null is one that is not there. Keys that are no
//! names for Avro (`uid\`, `"ts`) have names here.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// A struct that is a Protobuf message and known to serde.
macro_rules! message {
    ($(#[$doc:meta])* $name:ident {
        $(plain { $($plain_tag:literal $plain:ident: $plain_kind:ident $plain_type:ty,)* })?
        $(maybe { $($(#[$maybe_more:meta])* $maybe_tag:literal $maybe:ident: $maybe_kind:ident $maybe_type:ty,)* })?
        $(lists { $($(#[$list_more:meta])* $list_tag:literal $list:ident: $list_kind:ident $list_type:ty,)* })?
    }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(
                #[prost($plain_kind, tag = $plain_tag)]
                pub $plain: $plain_type,
            )*)?
            $($(
                $(#[$maybe_more])*
                #[prost($maybe_kind, optional, tag = $maybe_tag)]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $maybe: Option<$maybe_type>,
            )*)?
            $($(
                $(#[$list_more])*
                #[prost($list_kind, repeated, tag = $list_tag)]
                #[serde(skip_serializing_if = "Vec::is_empty")]
                pub $list: Vec<$list_type>,
            )*)?
        }
    };
}

message! {
    /// All members a frame may have; each is there at most once.
    Frame {
        plain {
            "1" ts: int64 i64,
            "2" uid: string String,
        }
        maybe {
            "3" level: string String,
            "4" service: string String,
            "5" host: string String,
            "6" trace_id: string String,
            "7" span_id: string String,
            "8" status: int64 i64,
            "9" duration_ms: double f64,
            "10" sampled: bool bool,
            "11" parent: string String,
            "12" http: message Http,
            "13" geo: message Geo,
            "14" k8s: message K8s,
            "15" error: string String,
            "16" tsx: int64 i64,
            "17" t: int64 i64,
            "18" ts_ms: int64 i64,
            #[serde(rename = "TS")]
            "19" ts_upper: string String,
            "20" uid2: string String,
            "21" ui: string String,
            #[serde(rename = "Uid")]
            "22" uid_title: string String,
            "23" kind: string String,
            "24" of: string String,
            "25" ctx: message Ctx,
            "26" note: string String,
            "27" raw: string String,
            "28" tail: string String,
            #[serde(alias = "uid\\")]
            "29" uid_backslash: string String,
            #[serde(alias = "\"ts")]
            "30" quote_ts: int64 i64,
            "31" msg: string String,
            "32" detail: string String,
            "33" body: string String,
        }
        lists {
            #[serde(deserialize_with = "texts")]
            "34" tags: string String,
            #[serde(deserialize_with = "texts")]
            "35" uids: string String,
            "36" prev: message Prev,
        }
    }
}

message! {
    Http {
        maybe {
            "1" method: string String,
            "2" path: string String,
            "3" bytes: int64 i64,
            "4" agent: string String,
        }
    }
}

message! {
    Geo {
        maybe {
            "1" lat: double f64,
            "2" lon: double f64,
            "3" city: string String,
        }
    }
}

message! {
    K8s {
        maybe {
            "1" pod: string String,
            "2" node: message Node,
        }
    }
}

message! {
    Node {
        maybe {
            "1" name: string String,
            "2" labels: message Labels,
        }
    }
}

message! {
    Labels {
        maybe {
            "1" zone: string String,
            "2" spot: bool bool,
        }
    }
}

message! {
    Ctx {
        maybe {
            "1" ts: int64 i64,
            "2" uid: string String,
            "3" request: message Request,
        }
    }
}

message! {
    Request {
        maybe {
            "1" id: string String,
            "2" uid: string String,
        }
    }
}

message! {
    Prev {
        maybe {
            #[serde(deserialize_with = "text")]
            "1" uid: string String,
            "2" ts: int64 i64,
        }
    }
}

/// A string, an integer as the string of its digits, or nothing of what is empty.
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Text;
            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a string, an integer, or an empty list or object")
            }
            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Some(text.to_owned())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
                Ok(Text(Some(number.to_string())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
                Ok(Text(Some(number.to_string())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Text, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }
        from.deserialize_any(Any)
    }
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Text::deserialize(from).map(|text| text.0)
}

fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Vec::<Text>::deserialize(from).map(|list| list.into_iter().filter_map(|text| text.0).collect())
}
