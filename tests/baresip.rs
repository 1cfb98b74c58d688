//! baresip, a telephone that people use, calls the echo and the prompt.

mod support;

use std::time::Duration;

use support::baresip::Baresip;
use support::g711::share_of_tone;
use support::server::Server;
use support::sound;

#[test]
fn baresip_hears_itself() {
    let server = Server::usual();
    let microphone = server.folder().join("microphone.wav");
    let tone = sound::sine(440.0, 0.5, 8000, 3 * 8000);
    sound::write_wav(&microphone, &tone, 8000, 1);

    let mut phone = Baresip::start(&server, &microphone);
    phone.dial(&format!("sip:echo@{}", server.sip()));
    phone.wait_for("CALL_ESTABLISHED", Duration::from_secs(10));
    // It hangs up by itself when the microphone's file is over.
    phone.wait_for("CALL_CLOSED", Duration::from_secs(20));
    let heard = phone.stop();

    let middle = &heard[heard.len() / 4..heard.len() * 3 / 4];
    assert!(middle.len() > 8000, "only {} samples", middle.len());
    let share = share_of_tone(middle, 8000, 440.0);
    assert!(share > 0.95, "440 Hz is {share:.2} of what came back");
    let other = share_of_tone(middle, 8000, 620.0);
    assert!(other < 0.05, "620 Hz is {other:.2} of what came back");
    let record = only_record(&server);
    assert_eq!(record["hangup_by"], "remote", "{record}");
    assert_eq!(record["destination"], format!("sip:echo@{}", server.sip()));
}

#[test]
fn baresip_hears_the_prompt() {
    let server = Server::usual();
    let microphone = server.folder().join("microphone.wav");
    sound::write_wav(&microphone, &vec![0; 30 * 8000], 8000, 1);

    let mut phone = Baresip::start(&server, &microphone);
    phone.dial(&format!("sip:play@{}", server.sip()));
    phone.wait_for("CALL_ESTABLISHED", Duration::from_secs(10));
    phone.wait_for("CALL_CLOSED", Duration::from_secs(30));
    let heard = phone.stop();

    let (prompt, rate) = sound::read_wav(&server.folder().join("media/prompt.wav"));
    let original: Vec<i16> = prompt
        .iter()
        .copied()
        .step_by((rate / 8000) as usize)
        .collect();
    // A second from the middle, wherever it lies in what was heard.
    let excerpt = &original[original.len() / 2..original.len() / 2 + 8000];
    let likeness = best_correlation(&heard, excerpt);
    assert!(likeness > 0.9, "likeness of the best match: {likeness:.3}");
    assert_eq!(only_record(&server)["hangup_by"], "local");
}

fn only_record(server: &Server) -> serde_json::Value {
    support::until("the call record", Duration::from_secs(5), || {
        server.records().pop()
    })
}

/// The highest normalised correlation of the excerpt with any part of the
/// signal.
fn best_correlation(signal: &[i16], excerpt: &[i16]) -> f64 {
    let excerpt: Vec<f64> = excerpt.iter().map(|&sample| f64::from(sample)).collect();
    let own: f64 = excerpt.iter().map(|sample| sample * sample).sum();
    signal
        .windows(excerpt.len())
        .map(|window| {
            let (mut product, mut energy) = (0.0, 1.0);
            for (&heard, &original) in window.iter().zip(&excerpt) {
                product += f64::from(heard) * original;
                energy += f64::from(heard) * f64::from(heard);
            }
            product / (energy * own).sqrt()
        })
        .fold(0.0, f64::max)
}
