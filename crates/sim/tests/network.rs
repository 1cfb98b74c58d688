//! The tools themselves: chance that repeats, and a network that does what it is
//! told.

use std::time::{Duration, Instant};

use strowger_sim::network::{Faults, Network, Partition, Path};
use strowger_sim::random::Random;
use strowger_sip::transport::Transport;

const UP: Path = Path {
    phone: 0,
    transport: Transport::Udp,
    up: true,
};

#[test]
fn a_seed_repeats_itself() {
    let draw = |seed| {
        let mut random = Random::new(seed);
        (0..100).map(|_| random.u64()).collect::<Vec<_>>()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
    let mut random = Random::new(7);
    assert!((0..1000).all(|_| (3..=5).contains(&random.between(3, 5))));
    let hits = (0..10_000).filter(|_| random.per_mille(250)).count();
    assert!((2300..2700).contains(&hits), "{hits}");
}

#[test]
fn datagrams_get_lost_doubled_and_overtaken() {
    let faults = Faults {
        loss_per_mille: 100,
        duplicate_per_mille: 100,
        delay_min_ms: 5,
        delay_max_ms: 50,
        ..Faults::none()
    };
    let mut network = Network::new(faults, 1);
    let start = Instant::now();
    let mut arrived = Vec::new();
    for step in 0..10_000 {
        let now = start + Duration::from_millis(step);
        arrived.extend(network.arrivals(UP, now).into_iter().flatten());
    }
    assert!((800..1200).contains(&network.lost), "{}", network.lost);
    assert!(
        (700..1100).contains(&network.duplicated),
        "{}",
        network.duplicated
    );
    assert_eq!(
        arrived.len() as u64,
        10_000 - network.lost + network.duplicated
    );
    assert!(!arrived.is_sorted());
}

#[test]
fn a_stream_loses_nothing_and_keeps_the_order() {
    let faults = Faults {
        loss_per_mille: 500,
        delay_max_ms: 500,
        ..Faults::none()
    };
    let mut network = Network::new(faults, 1);
    let start = Instant::now();
    let path = Path {
        transport: Transport::Tcp,
        ..UP
    };
    let at = |step| start + Duration::from_millis(step);
    let arrived: Vec<_> = (0..1000)
        .map(|step| network.arrivals(path, at(step)))
        .collect();
    assert!(
        arrived
            .iter()
            .all(|[first, second]| first.is_some() && second.is_none())
    );
    assert!(arrived.is_sorted());
}

#[test]
fn a_cut_link_carries_nothing() {
    let mut network = Network::new(Faults::none(), 1);
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    network.cut(Partition {
        phone: 0,
        from: at(10),
        until: at(20),
    });
    let arrives = |network: &mut Network, path, ms| network.arrivals(path, at(ms))[0].is_some();
    let table = [(9, true), (10, false), (19, false), (20, true)];
    for (ms, expected) in table {
        assert_eq!(arrives(&mut network, UP, ms), expected, "{ms}");
        assert!(arrives(&mut network, Path { phone: 1, ..UP }, ms));
    }
}
