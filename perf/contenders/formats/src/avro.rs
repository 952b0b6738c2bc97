//! Avro: by its schema, and by the Apache project's library. Datums alone, without a schema's id before them.

use std::rc::Rc;

use apache_avro::{Schema, from_avro_datum, from_value, write_avro_datum_ref};

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::frame::Frame;
use crate::ways::{Place, Two, Walk, facts, take, walk};

/// A nullable field, as fields of `Frame` that may be missing are.
fn maybe(name: &str, of: &str) -> String {
    format!(r#"{{"name":"{name}","type":["null",{of}],"default":null}}"#)
}

fn list(name: &str, of: &str) -> String {
    format!(r#"{{"name":"{name}","type":{{"type":"array","items":{of}}},"default":[]}}"#)
}

fn record(name: &str, fields: &[String]) -> String {
    format!(r#"{{"type":"record","name":"{name}","fields":[{}]}}"#, fields.join(","))
}

/// What [`Frame`] is, with the two fields first or last.
fn schema(place: Place) -> Schema {
    let (text, long, double, boolean) = (r#""string""#, r#""long""#, r#""double""#, r#""boolean""#);
    let http = record(
        "Http",
        &[maybe("method", text), maybe("path", text), maybe("bytes", long), maybe("agent", text)],
    );
    let geo = record("Geo", &[maybe("lat", double), maybe("lon", double), maybe("city", text)]);
    let labels = record("Labels", &[maybe("zone", text), maybe("spot", boolean)]);
    let node = record("Node", &[maybe("name", text), maybe("labels", &labels)]);
    let k8s = record("K8s", &[maybe("pod", text), maybe("node", &node)]);
    let request = record("Request", &[maybe("id", text), maybe("uid", text)]);
    let ctx = record("Ctx", &[maybe("ts", long), maybe("uid", text), maybe("request", &request)]);
    let prev = record("Prev", &[maybe("uid", text), maybe("ts", long)]);
    let two = r#"{"name":"ts","type":"long"},{"name":"uid","type":"string"}"#.to_owned();
    let rest = vec![
        maybe("level", text),
        maybe("service", text),
        maybe("host", text),
        maybe("trace_id", text),
        maybe("span_id", text),
        maybe("status", long),
        maybe("duration_ms", double),
        maybe("sampled", boolean),
        maybe("parent", text),
        maybe("http", &http),
        maybe("geo", &geo),
        maybe("k8s", &k8s),
        maybe("error", text),
        maybe("tsx", long),
        maybe("t", long),
        maybe("ts_ms", long),
        maybe("TS", text),
        maybe("uid2", text),
        maybe("ui", text),
        maybe("Uid", text),
        maybe("kind", text),
        maybe("of", text),
        maybe("ctx", &ctx),
        maybe("note", text),
        maybe("raw", text),
        maybe("tail", text),
        maybe("uid_backslash", text),
        maybe("quote_ts", long),
        maybe("msg", text),
        maybe("detail", text),
        maybe("body", text),
        list("tags", text),
        list("uids", text),
        list("prev", &prev),
    ];
    let fields = match place {
        Place::Last => [rest, vec![two]].concat(),
        Place::First | Place::Mixed => [vec![two], rest].concat(),
    };
    Schema::parse_str(&record("Frame", &fields)).expect("a schema")
}

fn schema_of_two() -> Schema {
    let two = [r#"{"name":"ts","type":"long"},{"name":"uid","type":"string"}"#.to_owned()];
    Schema::parse_str(&record("Frame", &two)).expect("a schema")
}

/// How to get over a value: made from the schema once.
enum Skip {
    Nothing,
    Byte,
    Varint,
    Eight,
    Text,
    Union(Vec<Skip>),
    Record(Vec<Skip>),
    List(Box<Skip>),
}

impl Skip {
    fn new(schema: &Schema) -> Skip {
        match schema {
            Schema::Null => Skip::Nothing,
            Schema::Boolean => Skip::Byte,
            Schema::Long => Skip::Varint,
            Schema::Double => Skip::Eight,
            Schema::String => Skip::Text,
            Schema::Union(of) => Skip::Union(of.variants().iter().map(Skip::new).collect()),
            Schema::Array(of) => Skip::List(Box::new(Skip::new(&of.items))),
            Schema::Record(of) => {
                Skip::Record(of.fields.iter().map(|f| Skip::new(&f.schema)).collect())
            }
            other => panic!("no frame has a {other:?}"),
        }
    }

    fn over(&self, rest: &mut &[u8]) -> Option<()> {
        match self {
            Skip::Nothing => {}
            Skip::Byte => _ = take(rest, 1)?,
            Skip::Varint => _ = long(rest)?,
            Skip::Eight => _ = take(rest, 8)?,
            Skip::Text => _ = text(rest)?,
            Skip::Union(variants) => {
                variants.get(usize::try_from(long(rest)?).ok()?)?.over(rest)?
            }
            Skip::Record(fields) => fields.iter().try_for_each(|field| field.over(rest))?,
            Skip::List(item) => loop {
                match long(rest)? {
                    0 => break,
                    // a negative count: the block's length in bytes follows
                    count if count < 0 => {
                        let bytes = usize::try_from(long(rest)?).ok()?;
                        take(rest, bytes)?;
                    }
                    count => (0..count).try_for_each(|_| item.over(rest))?,
                }
            },
        }
        Some(())
    }
}

#[inline]
fn long(rest: &mut &[u8]) -> Option<i64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((number >> 1) as i64 ^ -((number & 1) as i64));
        }
    }
    None
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let bytes = usize::try_from(long(rest)?).ok()?;
    take(rest, bytes)
}

/// Reads the two fields where the schema has them first, else gets over all before them.
pub fn by_hand(place: Place) -> Walk {
    let Schema::Record(record) = schema(place) else { unreachable!("a frame is a record") };
    let before: Vec<Skip> =
        record.fields.iter().take_while(|f| f.name != "ts").map(|f| Skip::new(&f.schema)).collect();
    walk(move |mut rest| {
        before.iter().try_for_each(|skip| skip.over(&mut rest))?;
        let (ts, uid) = (long(&mut rest)?, text(&mut rest)?);
        std::str::from_utf8(uid).ok()?;
        Some(facts(ts, uid))
    })
}

/// A reader's schema that has the two fields only: the library decodes all and then leaves the rest out.
pub fn two(place: Place) -> Walk {
    let (written, wanted) = (schema(place), schema_of_two());
    walk(move |mut frame| {
        let value = from_avro_datum(&written, &mut frame, Some(&wanted)).ok()?;
        from_value::<Two<'_>>(&value).ok().map(|two| two.facts())
    })
}

pub fn whole(place: Place) -> Rc<dyn Fn(&[u8]) -> Frame> {
    let schema = schema(place);
    Rc::new(move |mut frame| {
        let value = from_avro_datum(&schema, &mut frame, None).expect("a frame");
        from_value(&value).expect("a frame")
    })
}

/// A frame with every field told, in the schema's order: what is not there is null, where serde would leave
/// it out.
struct All<'a>(&'a Frame);

impl Serialize for All<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let frame = self.0;
        let mut fields = to.serialize_struct("Frame", 36)?;
        fields.serialize_field("ts", &frame.ts)?;
        fields.serialize_field("uid", &frame.uid)?;
        fields.serialize_field("level", &frame.level)?;
        fields.serialize_field("service", &frame.service)?;
        fields.serialize_field("host", &frame.host)?;
        fields.serialize_field("trace_id", &frame.trace_id)?;
        fields.serialize_field("span_id", &frame.span_id)?;
        fields.serialize_field("status", &frame.status)?;
        fields.serialize_field("duration_ms", &frame.duration_ms)?;
        fields.serialize_field("sampled", &frame.sampled)?;
        fields.serialize_field("parent", &frame.parent)?;
        fields.serialize_field("http", &frame.http)?;
        fields.serialize_field("geo", &frame.geo)?;
        fields.serialize_field("k8s", &frame.k8s)?;
        fields.serialize_field("error", &frame.error)?;
        fields.serialize_field("tsx", &frame.tsx)?;
        fields.serialize_field("t", &frame.t)?;
        fields.serialize_field("ts_ms", &frame.ts_ms)?;
        fields.serialize_field("TS", &frame.ts_upper)?;
        fields.serialize_field("uid2", &frame.uid2)?;
        fields.serialize_field("ui", &frame.ui)?;
        fields.serialize_field("Uid", &frame.uid_title)?;
        fields.serialize_field("kind", &frame.kind)?;
        fields.serialize_field("of", &frame.of)?;
        fields.serialize_field("ctx", &frame.ctx)?;
        fields.serialize_field("note", &frame.note)?;
        fields.serialize_field("raw", &frame.raw)?;
        fields.serialize_field("tail", &frame.tail)?;
        fields.serialize_field("uid_backslash", &frame.uid_backslash)?;
        fields.serialize_field("quote_ts", &frame.quote_ts)?;
        fields.serialize_field("msg", &frame.msg)?;
        fields.serialize_field("detail", &frame.detail)?;
        fields.serialize_field("body", &frame.body)?;
        fields.serialize_field("tags", &frame.tags)?;
        fields.serialize_field("uids", &frame.uids)?;
        fields.serialize_field("prev", &frame.prev)?;
        fields.end()
    }
}

/// The library writes the two fields first; a datum is its fields one after the other, so for the other
/// order they are moved.
pub fn encode(place: Place) -> Rc<dyn Fn(&Frame, &mut Vec<u8>)> {
    let schema = schema(Place::First);
    Rc::new(move |frame, out| {
        let begin = out.len();
        write_avro_datum_ref(&schema, &All(frame), out).expect("a vector takes all");
        if place == Place::Last {
            let mut rest = &out[begin..];
            let before = rest.len();
            long(&mut rest).and_then(|_| text(&mut rest)).expect("the two fields");
            let bytes = before - rest.len();
            out[begin..].rotate_left(bytes);
        }
    })
}
