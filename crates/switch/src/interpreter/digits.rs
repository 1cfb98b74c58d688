//! Digits that were pressed and that no action has taken yet.

use std::collections::VecDeque;

use strowger_media::vocabulary::Digit;

/// How many digits wait; what is pressed beyond is lost.
pub(crate) const MAX_WAITING_DIGITS: usize = 128;

/// Digits in the order they were pressed. Takes memory with the first.
#[derive(Debug, Default)]
pub(crate) struct DigitQueue {
    waiting: VecDeque<Digit>,
    /// One was pressed since a prompt was last stopped by one.
    fresh: bool,
}

impl DigitQueue {
    pub(crate) fn push(&mut self, digit: Digit) {
        if self.waiting.len() < MAX_WAITING_DIGITS {
            self.waiting.push_back(digit);
            self.fresh = true;
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Digit> {
        let digit = self.waiting.pop_front();
        self.fresh &= !self.waiting.is_empty();
        digit
    }

    /// Whether a digit may stop a prompt. Each may stop only one, so that a
    /// prompt played in a loop is not skipped for ever by a digit nobody takes.
    pub(crate) fn interrupts(&mut self) -> bool {
        std::mem::take(&mut self.fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit(c: char) -> Digit {
        Digit::from_char(c).unwrap()
    }

    #[test]
    fn digits_wait_in_order_up_to_the_limit() {
        let mut queue = DigitQueue::default();
        for _ in 0..MAX_WAITING_DIGITS {
            queue.push(digit('1'));
        }
        queue.push(digit('2'));
        let taken: String = std::iter::from_fn(|| queue.pop())
            .map(Digit::as_char)
            .collect();
        assert_eq!(taken, "1".repeat(MAX_WAITING_DIGITS));
    }

    #[test]
    fn a_digit_interrupts_once_and_not_after_it_was_taken() {
        let mut queue = DigitQueue::default();
        assert!(!queue.interrupts());
        queue.push(digit('1'));
        assert!(queue.interrupts());
        assert!(!queue.interrupts());
        queue.push(digit('2'));
        queue.pop();
        queue.pop();
        assert!(!queue.interrupts());
    }
}
