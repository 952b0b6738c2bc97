//! serde_json: each frame into a struct of the two fields that borrows from the line.

use std::borrow::Cow;

use contenders::{Minutes, for_each_line};
use serde::Deserialize;

#[derive(Deserialize)]
struct Frame<'a> {
    ts: i64,
    #[serde(borrow)]
    uid: Cow<'a, str>,
}

fn main() {
    let mut minutes = Minutes::default();
    for_each_line(|line| {
        let frame: Frame = serde_json::from_slice(line).expect("a frame");
        minutes.see(frame.ts, &frame.uid);
    });
    minutes.print();
}
