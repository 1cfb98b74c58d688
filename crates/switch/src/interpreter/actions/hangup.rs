//! `hangup`: ends the call. Before the answer its `reason` becomes the final
//! status of the INVITE.

use crate::flow::{FlowError, Options, Template, is_no_id, nearest};
use crate::interpreter::HangUpReason;
use crate::interpreter::action::{Action, Exits, Step, View};

#[derive(Debug)]
struct HangUp {
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Known(HangUpReason),
    Made(Template),
}

pub(super) fn compile(options: &mut Options<'_>) -> Result<Box<dyn Action>, FlowError> {
    let reason = match options.text("reason")? {
        None => Reason::Known(HangUpReason::Normal),
        Some(template) => match template.fixed() {
            Some(word) => Reason::Known(known(word, options)?),
            None => Reason::Made(template),
        },
    };
    // Outgoing calls, whose reason it passes on, are not there yet; VoIPBIN
    // writes the option out empty when it is not used.
    if let Some(reference) = options.text("reference_id")?
        && !reference.fixed().is_some_and(is_no_id)
    {
        return Err(options.error(
            "reference_id",
            "passing on another call's reason is not built yet",
        ));
    }
    Ok(Box::new(HangUp { reason }))
}

fn known(word: &str, options: &Options<'_>) -> Result<HangUpReason, FlowError> {
    HangUpReason::parse(word).ok_or_else(|| {
        let words = HangUpReason::WORDS.join(", ");
        let message = format!(
            "`{word}` is no reason, expected a SIP status from 400 to 699 or one of {words}"
        );
        options
            .error("reason", message)
            .with_nearest(nearest(word, HangUpReason::WORDS))
    })
}

impl Action for HangUp {
    fn start(&self, view: &mut View<'_>) -> Step {
        let template = match &self.reason {
            Reason::Known(reason) => return Step::HangUp(*reason),
            Reason::Made(template) => template,
        };
        match template.expand(&view.memory.variables) {
            Ok(word) => match HangUpReason::parse(&word) {
                Some(reason) => Step::HangUp(reason),
                None => Step::Fail(format!("`{word}` is no reason to hang up for")),
            },
            Err(reason) => Step::Fail(reason),
        }
    }

    fn exits(&self) -> Exits<'_> {
        match self.reason {
            Reason::Known(_) => Exits::none(),
            Reason::Made(_) => Exits::next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::HangUpReason;
    use crate::interpreter::fixture::{refused, run};

    #[test]
    fn the_reason_becomes_a_sip_status() {
        let table = [
            ("", 480),
            ("normal", 480),
            ("busy", 486),
            ("reject", 603),
            ("rejected", 603),
            ("decline", 603),
            ("failed", 500),
            ("noanswer", 480),
            ("timeout", 408),
            ("not_found", 404),
            ("forbidden", 403),
            ("gone", 410),
            ("not_acceptable", 488),
            ("congestion", 503),
            ("cancel", 480),
            ("404", 404),
            ("699", 699),
        ];
        for (word, status) in table {
            assert_eq!(
                HangUpReason::parse(word).map(HangUpReason::status),
                Some(status),
                "{word}"
            );
        }
        for word in HangUpReason::WORDS {
            assert!(HangUpReason::parse(word).is_some(), "{word}");
        }
        for word in ["Busy", "200", "399", "700", "99999", "-486", "bsy"] {
            assert_eq!(HangUpReason::parse(word), None, "{word}");
        }
    }

    #[test]
    fn ends_the_call_without_answering_it() {
        let flow = json!([{"type": "hangup", "option": {"reason": "busy"}}, {"type": "echo"}]);
        run(
            &flow,
            &[(0, "start", "> hangup, hangup busy"), (1, "answered", "")],
        );
        run(
            &json!([{"type": "hangup"}]),
            &[(0, "start", "> hangup, hangup normal")],
        );
    }

    #[test]
    fn a_reason_made_of_variables_is_judged_when_it_is_known() {
        let flow = json!([
            {"type": "variable_set", "option": {"key": "why", "value": "nonsense"}},
            {"type": "hangup", "option": {"reason": "${why}"}},
            {"type": "hangup", "option": {"reason": "${unknown}"}},
        ]);
        let orders = "> variable_set, > hangup, \
                      failed hangup: `nonsense` is no reason to hang up for, > hangup, hangup normal";
        run(&flow, &[(0, "start", orders)]);
    }

    #[test]
    fn what_it_refuses() {
        let error = refused(&json!([{"type": "hangup", "option": {"reason": "bsy"}}]));
        assert_eq!(error.path, "[0].option.reason");
        assert_eq!(error.nearest.as_deref(), Some("busy"));
        let error = refused(&json!([{"type": "hangup", "option": {"reference_id": "7e3f"}}]));
        assert_eq!(error.path, "[0].option.reference_id");
        assert!(error.message.contains("not built yet"), "{error}");
        let none = json!([{"type": "hangup", "option": {
            "reference_id": "00000000-0000-0000-0000-000000000000"}}]);
        run(&none, &[(0, "start", "> hangup, hangup normal")]);
    }
}
