//! What a phone is going to do.

use std::time::Duration;

use strowger_sip::transport::Transport;

use crate::random::Random;

/// One call of one phone.
#[derive(Clone, Debug)]
pub struct Script {
    /// Who is dialled.
    pub user: &'static str,
    /// How the phone is connected.
    pub transport: Transport,
    /// Its part of offer/answer.
    pub offer: Offer,
    /// How it treats a 2xx.
    pub ack: Ack,
    /// Gives up after this time when it has a provisional but no final response.
    pub cancel_after: Option<Duration>,
    /// Sends BYE on the early dialog, so long after its first response.
    pub early_bye_after: Option<Duration>,
    /// Falls silent so long after the INVITE, whatever has come by then.
    pub vanish_after: Option<Duration>,
    /// What it does so long after the answer.
    pub acts: Vec<(Duration, Act)>,
}

/// The session description of the INVITE, or of the ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// An ordinary offer in the INVITE.
    InInvite,
    /// None in the INVITE; the ACK carries an ordinary answer.
    Late,
    /// None in the INVITE, and no answer in the ACK.
    LateUnanswered,
    /// None in the INVITE; the ACK refuses the stream.
    LateRefused,
    /// An offer whose only stream is switched off.
    Disabled,
    /// An offer without anything the switch has.
    Unacceptable,
    /// A body that is no session description.
    Malformed,
    /// A body of another type.
    OtherType,
}

/// What becomes of the ACK to the 2xx.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ack {
    /// At once.
    AtOnce,
    /// After a while.
    After(Duration),
    /// Never.
    Never,
}

/// Something a phone does while a call is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// re-INVITE: hold.
    Hold,
    /// re-INVITE: as in the beginning.
    Resume,
    /// re-INVITE that switches the stream off: port 0.
    Disable,
    /// re-INVITE without an offer.
    ReinviteLate,
    /// re-INVITE with nothing that fits; the call goes on as it was.
    ReinviteUnacceptable,
    /// A key.
    Digit(char),
    /// OPTIONS in the dialog.
    Options,
    /// A request that the switch does not serve.
    Refused,
    /// A request with a CSeq that was used already.
    StaleCSeq,
    /// Hangs up.
    Bye,
    /// Falls silent: answers nothing from here on.
    Vanish,
}

impl Script {
    /// Calls `user`, speaks for a while and hangs up.
    pub fn talk(user: &'static str, talk: Duration) -> Self {
        Self {
            acts: vec![(talk, Act::Bye)],
            ..Self::listen(user)
        }
    }

    /// Calls `user` and stays until the far end hangs up.
    pub fn listen(user: &'static str) -> Self {
        Self {
            user,
            transport: Transport::Udp,
            offer: Offer::InInvite,
            ack: Ack::AtOnce,
            cancel_after: None,
            early_bye_after: None,
            vanish_after: None,
            acts: Vec::new(),
        }
    }

    /// Anything a phone may do.
    pub fn random(random: &mut Random) -> Self {
        const USERS: &[&str] = &[
            "echo", "echo", "answer", "play", "play", "ivr", "busy", "reject", "early", "slow",
            "nobody",
        ];
        let user = random.pick(USERS);
        let mut script = Self::listen(user);
        if random.per_mille(150) {
            script.transport = Transport::Tcp;
        }
        script.offer = match random.between(0, 19) {
            0..=2 => Offer::Late,
            3 => Offer::LateUnanswered,
            4 => Offer::LateRefused,
            5 => Offer::Unacceptable,
            6 => Offer::Malformed,
            7 => Offer::OtherType,
            8 => Offer::Disabled,
            _ => Offer::InInvite,
        };
        script.ack = match random.between(0, 19) {
            0 => Ack::Never,
            1..=2 => Ack::After(random.ms(1, 3000)),
            _ => Ack::AtOnce,
        };
        if random.per_mille(150) {
            script.cancel_after = Some(random.ms(0, 2500));
        } else if random.per_mille(80) {
            script.early_bye_after = Some(random.ms(0, 1500));
        }
        if random.per_mille(30) {
            script.vanish_after = Some(random.ms(0, 3000));
        }
        script.random_acts(random);
        script
    }

    /// Ends with a BYE wherever the flow would not end the call by itself.
    fn random_acts(&mut self, random: &mut Random) {
        const ACTS: &[Act] = &[
            Act::Hold,
            Act::Resume,
            Act::Disable,
            Act::ReinviteLate,
            Act::ReinviteUnacceptable,
            Act::Options,
            Act::Refused,
            Act::StaleCSeq,
        ];
        const KEYS: &[char] = &['1', '2', '9', '5', '#'];
        let mut at = random.ms(0, 300);
        for _ in 0..random.pick(&[0, 0, 0, 1, 2, 4]) {
            let act = if self.user == "ivr" && random.per_mille(700) {
                Act::Digit(random.pick(KEYS))
            } else {
                random.pick(ACTS)
            };
            self.acts.push((at, act));
            at += random.ms(0, 1500);
        }
        let ends_alone = matches!(self.user, "play" | "ivr");
        if !ends_alone || random.per_mille(600) {
            // `play` lasts 2 s: some of these meet its end.
            let last = if random.per_mille(300) {
                Duration::from_secs(2).max(at)
            } else {
                at + random.ms(0, 4000)
            };
            let act = if random.per_mille(60) {
                Act::Vanish
            } else {
                Act::Bye
            };
            self.acts.push((last, act));
        }
    }
}
