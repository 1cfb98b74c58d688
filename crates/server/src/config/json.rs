//! Where things stand in a JSON text that is known to be valid.

use std::ops::Range;

use super::path::{Located, Step};

/// Follows `path` from the top of `text` as far as it leads.
pub(super) fn locate(text: &str, path: &[Step]) -> Located {
    let mut cursor = Cursor {
        octets: text.as_bytes(),
        at: 0,
    };
    cursor.skip_space();
    let mut found = Located {
        key: None,
        value: cursor.peek_value(),
        whole: true,
    };
    for step in path {
        cursor.at = found.value.start;
        let next = match step {
            Step::Key(name) => cursor.member(text, name),
            Step::Index(index) => cursor.element(*index).map(|value| (None, value)),
        };
        let Some((key, value)) = next else {
            found.whole = false;
            return found;
        };
        found.key = key;
        found.value = value;
    }
    found
}

struct Cursor<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    /// The member `name` of the object that begins here.
    fn member(&mut self, text: &str, name: &str) -> Option<(Option<Range<usize>>, Range<usize>)> {
        self.open(b'{')?;
        while self.octets.get(self.at) == Some(&b'"') {
            let key = self.peek_value();
            self.at = key.end;
            self.skip_space();
            self.at += 1; // the colon
            self.skip_space();
            let value = self.peek_value();
            if serde_json::from_str::<String>(&text[key.clone()]).is_ok_and(|key| key == name) {
                return Some((Some(key), value));
            }
            self.at = value.end;
            self.skip_comma();
        }
        None
    }

    /// The element `index` of the array that begins here.
    fn element(&mut self, index: usize) -> Option<Range<usize>> {
        self.open(b'[')?;
        let mut left = index;
        while *self.octets.get(self.at)? != b']' {
            let value = self.peek_value();
            if left == 0 {
                return Some(value);
            }
            left -= 1;
            self.at = value.end;
            self.skip_comma();
        }
        None
    }

    fn open(&mut self, bracket: u8) -> Option<()> {
        if self.octets.get(self.at) != Some(&bracket) {
            return None;
        }
        self.at += 1;
        self.skip_space();
        Some(())
    }

    fn skip_comma(&mut self) {
        self.skip_space();
        if self.octets.get(self.at) == Some(&b',') {
            self.at += 1;
            self.skip_space();
        }
    }

    fn skip_space(&mut self) {
        while self
            .octets
            .get(self.at)
            .is_some_and(u8::is_ascii_whitespace)
        {
            self.at += 1;
        }
    }

    /// The range of the value that begins here.
    fn peek_value(&self) -> Range<usize> {
        let mut end = self.at;
        let mut depth = 0_usize;
        while let Some(octet) = self.octets.get(end) {
            match octet {
                b'"' => end = self.string_end(end),
                b'{' | b'[' => {
                    depth += 1;
                    end += 1;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    end += 1;
                }
                b'}' | b']' | b',' if depth == 0 => break,
                octet if depth == 0 && (octet.is_ascii_whitespace() || *octet == b':') => break,
                _ => {
                    end += 1;
                    continue;
                }
            }
            if depth == 0 {
                break;
            }
        }
        self.at..end
    }

    /// Behind the string that begins at `start`.
    fn string_end(&self, start: usize) -> usize {
        let mut at = start + 1;
        while let Some(octet) = self.octets.get(at) {
            match octet {
                b'\\' => at += 2,
                b'"' => return at + 1,
                _ => at += 1,
            }
        }
        self.octets.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::path::steps;
    use super::*;

    const TEXT: &str = r#" { "a" : [ 1 , "x\"],y" , {"b": null, "é\u0041": [true]} ],
  "c": -1.5e3 , "a b":{} } "#;

    #[test]
    fn values_are_found() {
        let cases = [
            ("a[0]", "1"),
            ("a[1]", r#""x\"],y""#),
            ("a[2].b", "null"),
            ("a[2].éA", "[true]"),
            ("a[2].éA[0]", "true"),
            ("c", "-1.5e3"),
            ("a b", "{}"),
        ];
        for (path, expected) in cases {
            let found = locate(TEXT, &steps(path));
            assert!(found.whole, "{path}");
            assert_eq!(&TEXT[found.value], expected, "{path}");
        }
    }

    #[test]
    fn keys_are_found() {
        let found = locate(TEXT, &steps("a[2].b"));
        assert_eq!(&TEXT[found.key.unwrap()], r#""b""#);
        assert_eq!(locate(TEXT, &steps("a[2]")).key, None);
    }

    #[test]
    fn what_is_not_there_gives_the_deepest_that_is() {
        for (path, deepest) in [
            ("a[3]", "["),
            ("c.d", "-1.5e3"),
            ("a[0][1]", "1"),
            ("zz", "{"),
        ] {
            let found = locate(TEXT, &steps(path));
            assert!(!found.whole, "{path}");
            assert!(TEXT[found.value].starts_with(deepest), "{path}");
        }
        assert_eq!(locate("", &steps("a")).value, 0..0);
    }
}
