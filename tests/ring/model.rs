//! Random operations on a ring and on its model.

use proptest::{prelude::*, test_runner::FileFailurePersistence};

use crate::pair::{Op, Pair};

fn op(capacity_max: usize) -> impl Strategy<Value = Op> {
    let reserve = (0..=capacity_max + 1, 0..=capacity_max + 1, any::<bool>())
        .prop_map(|(wanted, filled, is_committed)| Op::Reserve { wanted, filled, is_committed });
    prop_oneof![
        20 => Just(Op::Push),
        20 => reserve,
        15 => Just(Op::Pop),
        5 => Just(Op::Peek),
        10 => Just(Op::PeekMany),
        15 => (0..=capacity_max).prop_map(Op::Release),
        5 => Just(Op::FreeSlots),
        5 => Just(Op::Readable),
        1 => Just(Op::DropProducer),
        1 => Just(Op::DropConsumer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/ring/model.proptest-regressions",
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn answers_as_its_model(
        capacity in 1..=6_usize,
        ops in prop::collection::vec(op(6), 1..200),
    ) {
        let mut pair = Pair::new(capacity);
        for op in &ops {
            pair.apply(op);
        }
        pair.end();
    }
}
