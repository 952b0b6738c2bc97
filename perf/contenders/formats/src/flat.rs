//! FlatBuffers: tables as `flatc` would make them from a schema, by hand, over Google's runtime.

use flatbuffers::{
    FlatBufferBuilder, Follow, ForwardsUOffset, InvalidFlatbuffer, TableUnfinishedWIPOffset,
    VOffsetT, Vector, Verifiable, Verifier, WIPOffset,
};

use crate::frame;
use crate::ways::{Walk, facts, walk};

/// The offset of a slot in a table's vtable.
const fn slot(number: VOffsetT) -> VOffsetT {
    4 + 2 * number
}

/// A table: how to follow an offset to it, to verify it, and to get at its fields.
macro_rules! table {
    ($name:ident { $($slot:literal $field:ident: $type:ty,)* }) => {
        #[derive(Clone, Copy)]
        pub struct $name<'a>(flatbuffers::Table<'a>);

        impl<'a> Follow<'a> for $name<'a> {
            type Inner = $name<'a>;
            unsafe fn follow(buffer: &'a [u8], at: usize) -> $name<'a> {
                // SAFETY: the caller says that a table is there.
                $name(unsafe { flatbuffers::Table::new(buffer, at) })
            }
        }

        impl<'a> Verifiable for $name<'a> {
            fn run_verifier(verifier: &mut Verifier<'_, '_>, at: usize) -> Result<(), InvalidFlatbuffer> {
                verifier.visit_table(at)?$(.visit_field::<$type>(stringify!($field), slot($slot), false)?)*.finish();
                Ok(())
            }
        }

        impl<'a> $name<'a> {
            $(
                fn $field(self) -> Option<<$type as Follow<'a>>::Inner> {
                    // SAFETY: whoever made this table has verified it, or says that it is one.
                    unsafe { self.0.get::<$type>(slot($slot), None) }
                }
            )*
        }
    };
}

type Text<'a> = ForwardsUOffset<&'a str>;
type List<'a, T> = ForwardsUOffset<Vector<'a, ForwardsUOffset<T>>>;

table!(Frame {
    0 ts: i64,
    1 uid: Text<'a>,
    2 level: Text<'a>,
    3 service: Text<'a>,
    4 host: Text<'a>,
    5 trace_id: Text<'a>,
    6 span_id: Text<'a>,
    7 status: i64,
    8 duration_ms: f64,
    9 sampled: bool,
    10 parent: Text<'a>,
    11 http: ForwardsUOffset<Http<'a>>,
    12 geo: ForwardsUOffset<Geo<'a>>,
    13 k8s: ForwardsUOffset<K8s<'a>>,
    14 error: Text<'a>,
    15 tsx: i64,
    16 t: i64,
    17 ts_ms: i64,
    18 ts_upper: Text<'a>,
    19 uid2: Text<'a>,
    20 ui: Text<'a>,
    21 uid_title: Text<'a>,
    22 kind: Text<'a>,
    23 of: Text<'a>,
    24 ctx: ForwardsUOffset<Ctx<'a>>,
    25 note: Text<'a>,
    26 raw: Text<'a>,
    27 tail: Text<'a>,
    28 uid_backslash: Text<'a>,
    29 quote_ts: i64,
    30 msg: Text<'a>,
    31 detail: Text<'a>,
    32 body: Text<'a>,
    33 tags: List<'a, &'a str>,
    34 uids: List<'a, &'a str>,
    35 prev: List<'a, Prev<'a>>,
});
table!(Http { 0 method: Text<'a>, 1 path: Text<'a>, 2 bytes: i64, 3 agent: Text<'a>, });
table!(Geo { 0 lat: f64, 1 lon: f64, 2 city: Text<'a>, });
table!(K8s { 0 pod: Text<'a>, 1 node: ForwardsUOffset<Node<'a>>, });
table!(Node { 0 name: Text<'a>, 1 labels: ForwardsUOffset<Labels<'a>>, });
table!(Labels { 0 zone: Text<'a>, 1 spot: bool, });
table!(Ctx { 0 ts: i64, 1 uid: Text<'a>, 2 request: ForwardsUOffset<Request<'a>>, });
table!(Request { 0 id: Text<'a>, 1 uid: Text<'a>, });
table!(Prev { 0 uid: Text<'a>, 1 ts: i64, });

/// The two fields of a buffer that is believed.
pub fn unverified() -> Walk {
    walk(|buffer| {
        // SAFETY: only whole buffers get here, and each of them was verified before.
        let frame = unsafe { flatbuffers::root_unchecked::<Frame<'_>>(buffer) };
        Some(facts(frame.ts()?, frame.uid()?.as_bytes()))
    })
}

/// Where in a buffer the text of the user ends: what has to be fetched, as it lies behind the table.
pub fn uid_end(buffer: &[u8]) -> usize {
    let frame = flatbuffers::root::<Frame<'_>>(buffer).expect("a frame");
    let uid = frame.uid().expect("a user");
    uid.as_ptr() as usize - buffer.as_ptr() as usize + uid.len()
}

/// The library's own way for what came from elsewhere: the whole buffer is verified first.
pub fn two() -> Walk {
    walk(|buffer| {
        let frame = flatbuffers::root::<Frame<'_>>(buffer).ok()?;
        Some(facts(frame.ts()?, frame.uid()?.as_bytes()))
    })
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn all(list: Option<Vector<'_, ForwardsUOffset<&str>>>) -> Vec<String> {
    list.map(|list| list.iter().map(str::to_owned).collect()).unwrap_or_default()
}

pub fn whole(buffer: &[u8]) -> frame::Frame {
    let from = flatbuffers::root::<Frame<'_>>(buffer).expect("a frame");
    frame::Frame {
        ts: from.ts().expect("a time"),
        uid: owned(from.uid()).expect("a user"),
        level: owned(from.level()),
        service: owned(from.service()),
        host: owned(from.host()),
        trace_id: owned(from.trace_id()),
        span_id: owned(from.span_id()),
        status: from.status(),
        duration_ms: from.duration_ms(),
        sampled: from.sampled(),
        parent: owned(from.parent()),
        http: from.http().map(|http| frame::Http {
            method: owned(http.method()),
            path: owned(http.path()),
            bytes: http.bytes(),
            agent: owned(http.agent()),
        }),
        geo: from.geo().map(|geo| frame::Geo {
            lat: geo.lat(),
            lon: geo.lon(),
            city: owned(geo.city()),
        }),
        k8s: from.k8s().map(|k8s| frame::K8s {
            pod: owned(k8s.pod()),
            node: k8s.node().map(|node| frame::Node {
                name: owned(node.name()),
                labels: node.labels().map(|labels| frame::Labels {
                    zone: owned(labels.zone()),
                    spot: labels.spot(),
                }),
            }),
        }),
        error: owned(from.error()),
        tsx: from.tsx(),
        t: from.t(),
        ts_ms: from.ts_ms(),
        ts_upper: owned(from.ts_upper()),
        uid2: owned(from.uid2()),
        ui: owned(from.ui()),
        uid_title: owned(from.uid_title()),
        kind: owned(from.kind()),
        of: owned(from.of()),
        ctx: from.ctx().map(|ctx| frame::Ctx {
            ts: ctx.ts(),
            uid: owned(ctx.uid()),
            request: ctx.request().map(|request| frame::Request {
                id: owned(request.id()),
                uid: owned(request.uid()),
            }),
        }),
        note: owned(from.note()),
        raw: owned(from.raw()),
        tail: owned(from.tail()),
        uid_backslash: owned(from.uid_backslash()),
        quote_ts: from.quote_ts(),
        msg: owned(from.msg()),
        detail: owned(from.detail()),
        body: owned(from.body()),
        tags: all(from.tags()),
        uids: all(from.uids()),
        prev: from
            .prev()
            .map(|prev| {
                prev.iter().map(|one| frame::Prev { uid: owned(one.uid()), ts: one.ts() }).collect()
            })
            .unwrap_or_default(),
    }
}

/// What a table is made of, written before it is begun: its fields can only point at what is there.
#[derive(Clone, Copy)]
enum Field {
    Long(i64),
    Double(f64),
    Bool(bool),
    At(WIPOffset<()>),
}

/// A table in the making: the fields that are there, with their slots.
struct Fields {
    fields: [(VOffsetT, Field); 36],
    count: usize,
}

impl Fields {
    fn new() -> Fields {
        Fields { fields: [(0, Field::Bool(false)); 36], count: 0 }
    }

    fn add(&mut self, slot: VOffsetT, field: Option<Field>) {
        if let Some(field) = field {
            self.fields[self.count] = (slot, field);
            self.count += 1;
        }
    }

    fn write<'b>(&self, to: &mut FlatBufferBuilder<'b>) -> Option<Field> {
        let table: WIPOffset<TableUnfinishedWIPOffset> = to.start_table();
        for (number, field) in &self.fields[..self.count] {
            match *field {
                Field::Long(long) => to.push_slot_always(slot(*number), long),
                Field::Double(double) => to.push_slot_always(slot(*number), double),
                Field::Bool(boolean) => to.push_slot_always(slot(*number), boolean),
                Field::At(at) => {
                    to.push_slot_always(slot(*number), WIPOffset::<&str>::new(at.value()))
                }
            }
        }
        Some(Field::At(WIPOffset::new(to.end_table(table).value())))
    }
}

fn text(to: &mut FlatBufferBuilder<'_>, text: &Option<String>) -> Option<Field> {
    text.as_ref().map(|text| Field::At(WIPOffset::new(to.create_string(text).value())))
}

fn list<'b>(to: &mut FlatBufferBuilder<'b>, at: &[WIPOffset<&'b str>]) -> Option<Field> {
    (!at.is_empty()).then(|| Field::At(WIPOffset::new(to.create_vector(at).value())))
}

fn texts(to: &mut FlatBufferBuilder<'_>, texts: &[String]) -> Option<Field> {
    let at: Vec<_> =
        texts.iter().map(|text| WIPOffset::new(to.create_string(text).value())).collect();
    list(to, &at)
}

/// A buffer is written from its end to its start: what comes last lies first. So the user is written just
/// before the root's table, and both lie in the buffer's first lines.
pub fn encode(frame: &frame::Frame, to: &mut FlatBufferBuilder<'_>, out: &mut Vec<u8>) {
    to.reset();
    let mut root = Fields::new();
    for (slot, of) in [
        (32, &frame.body),
        (31, &frame.detail),
        (30, &frame.msg),
        (28, &frame.uid_backslash),
        (27, &frame.tail),
        (26, &frame.raw),
        (25, &frame.note),
        (23, &frame.of),
        (22, &frame.kind),
        (21, &frame.uid_title),
        (20, &frame.ui),
        (19, &frame.uid2),
        (18, &frame.ts_upper),
        (14, &frame.error),
        (10, &frame.parent),
        (6, &frame.span_id),
        (5, &frame.trace_id),
        (4, &frame.host),
        (3, &frame.service),
        (2, &frame.level),
    ] {
        let at = text(to, of);
        root.add(slot, at);
    }
    for (slot, of) in [
        (7, frame.status),
        (15, frame.tsx),
        (16, frame.t),
        (17, frame.ts_ms),
        (29, frame.quote_ts),
        (0, Some(frame.ts)),
    ] {
        root.add(slot, of.map(Field::Long));
    }
    root.add(8, frame.duration_ms.map(Field::Double));
    root.add(9, frame.sampled.map(Field::Bool));
    if let Some(http) = &frame.http {
        let mut table = Fields::new();
        for (slot, of) in [(0, &http.method), (1, &http.path), (3, &http.agent)] {
            let at = text(to, of);
            table.add(slot, at);
        }
        table.add(2, http.bytes.map(Field::Long));
        root.add(11, table.write(to));
    }
    if let Some(geo) = &frame.geo {
        let mut table = Fields::new();
        let city = text(to, &geo.city);
        table.add(2, city);
        table.add(0, geo.lat.map(Field::Double));
        table.add(1, geo.lon.map(Field::Double));
        root.add(12, table.write(to));
    }
    if let Some(k8s) = &frame.k8s {
        let mut table = Fields::new();
        let pod = text(to, &k8s.pod);
        table.add(0, pod);
        if let Some(node) = &k8s.node {
            let mut inner = Fields::new();
            let name = text(to, &node.name);
            inner.add(0, name);
            if let Some(labels) = &node.labels {
                let mut innermost = Fields::new();
                let zone = text(to, &labels.zone);
                innermost.add(0, zone);
                innermost.add(1, labels.spot.map(Field::Bool));
                inner.add(1, innermost.write(to));
            }
            table.add(1, inner.write(to));
        }
        root.add(13, table.write(to));
    }
    if let Some(ctx) = &frame.ctx {
        let mut table = Fields::new();
        let uid = text(to, &ctx.uid);
        table.add(1, uid);
        table.add(0, ctx.ts.map(Field::Long));
        if let Some(request) = &ctx.request {
            let mut inner = Fields::new();
            for (slot, of) in [(0, &request.id), (1, &request.uid)] {
                let at = text(to, of);
                inner.add(slot, at);
            }
            table.add(2, inner.write(to));
        }
        root.add(24, table.write(to));
    }
    let tags = texts(to, &frame.tags);
    root.add(33, tags);
    let uids = texts(to, &frame.uids);
    root.add(34, uids);
    let prev: Vec<WIPOffset<&str>> = frame
        .prev
        .iter()
        .filter_map(|one| {
            let mut table = Fields::new();
            let uid = text(to, &one.uid);
            table.add(0, uid);
            table.add(1, one.ts.map(Field::Long));
            match table.write(to) {
                Some(Field::At(at)) => Some(WIPOffset::new(at.value())),
                _ => None,
            }
        })
        .collect();
    let prev = list(to, &prev);
    root.add(35, prev);
    let uid = to.create_string(&frame.uid);
    root.add(1, Some(Field::At(WIPOffset::new(uid.value()))));
    if let Some(Field::At(at)) = root.write(to) {
        to.finish_minimal(WIPOffset::<Frame<'_>>::new(at.value()));
    }
    out.extend_from_slice(to.finished_data());
}
