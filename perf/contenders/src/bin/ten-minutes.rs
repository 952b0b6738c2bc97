//! The plain loop somebody would write in ten minutes: BufRead, serde_json's Value, a HashSet.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: ten-minutes FILE")?;
    let mut minutes: BTreeMap<i64, HashSet<String>> = BTreeMap::new();
    for line in BufReader::new(File::open(path)?).lines() {
        let frame: serde_json::Value = serde_json::from_str(&line?)?;
        let ts = frame["ts"].as_i64().ok_or("no ts")?;
        let uid = frame["uid"].as_str().ok_or("no uid")?;
        minutes.entry(ts.div_euclid(60) * 60).or_default().insert(uid.to_string());
    }
    for (minute, users) in minutes {
        println!("{{\"ts\":{minute},\"cnt\":{}}}", users.len());
    }
    Ok(())
}
