//! SIGKILL at random moments, again and again: the output's bytes are those of a run left in peace.

use crate::broker::Broker;
use crate::exactly_once::case::{Case, EXACT, GOES_ON, Met, assert_lines};
use crate::exactly_once::kills;
use crate::following::Following;
use crate::frames::Random;
use crate::harness::{Folder, run};

/// Frames for each kill.
const FRAMES: usize = 150;

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn killed_at_any_moment_each_result_and_reject_is_there_once() {
    let (broker, mut random, mut met) = (Broker::shared(), Random::new(), Met::default());
    for partitions in [1, 4] {
        let kills = kills() / 2;
        let mut case = Case::new(&broker, &mut random, partitions, kills * FRAMES, EXACT);
        for kills_left in (1..=kills).rev() {
            case.kill_once(&mut random, kills_left, &mut met);
        }
        // The end, too, is nothing that comes in part.
        case.input.write_rest();
        for _ in 0..3 {
            let run = Following::start(&format!("{} --until end", case.words()));
            std::thread::sleep(std::time::Duration::from_millis(random.below(600)));
            run.kill();
        }
        case.finish();
        case.is_as_in_peace(&format!("{partitions} partitions"));
        met.deleted += broker.beginning(&case.state);
    }
    eprintln!("{met:?}");
    // How many transactions are left open, and how much is deleted, is chance: points.rs leaves each of them so,
    // trimmed.rs waits for a deletion.
    assert!(met.gone_on > met.kills / 4, "{met:?}");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn killed_at_any_moment_a_file_is_as_one_left_in_peace() {
    let (broker, folder, mut random) = (Broker::shared(), Folder::new(), Random::new());
    let kills = kills() / 2;
    let mut case = Case::new(&broker, &mut random, 3, kills * FRAMES, EXACT);
    let (to, rejects) = (folder.at("out"), folder.at("rejects"));
    let words = format!(
        "{} --to {to} --rejects {rejects} --checkpoint {} --checkpoint-every 20ms",
        case.counting(),
        folder.at("checkpoint")
    );
    let mut gone_on = 0;
    for kills_left in (1..=kills).rev() {
        let run = Following::start(&words);
        for _ in 0..random.below(4) {
            case.input.write(&mut random, 2 * kills_left);
            std::thread::sleep(std::time::Duration::from_millis(random.below(200)));
        }
        gone_on += usize::from(run.kill().stderr.contains(GOES_ON));
    }
    assert!(gone_on > 0);
    case.input.write_rest();
    run(&format!("{words} --until end"), &["--quiet"]).exits(0);
    let lines = |name: &str| String::from_utf8(folder.read(name)).unwrap();
    let sorted = |name: &str| {
        let mut lines: Vec<String> = lines(name).lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    let more = ["--rejects", &folder.at("right"), "--quiet"];
    let expected = run(&format!("{} --until end", case.counting()), &more).exits(0).stdout;
    assert_lines(&lines("out"), &expected, "results");
    assert_lines(&sorted("rejects"), &sorted("right"), "rejects");
}
