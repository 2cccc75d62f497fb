//! SHA-256, and the one canonical encoding of fields that we hash.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256, as 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sha(String);

impl Sha {
    /// Of bytes as they are.
    pub fn of(bytes: &[u8]) -> Self {
        Sha(hex(&Sha256::digest(bytes)))
    }

    /// Of a list of fields, each length-prefixed, an absent one told apart from an empty one. Joining with a separator
    /// would collide as soon as a field holds the separator.
    pub fn of_fields<'a>(fields: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut hasher = Sha256::new();
        for field in fields {
            match field {
                Some(text) => update(&mut hasher, text),
                None => hasher.update(b"- "),
            }
        }
        Sha(hex(&hasher.finalize()))
    }

    /// As [`of_fields`](Sha::of_fields), where none is absent.
    pub fn of_parts(parts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut hasher = Sha256::new();
        parts.into_iter().for_each(|part| update(&mut hasher, part.as_ref()));
        Sha(hex(&hasher.finalize()))
    }

    /// A digest that was written down before. Not checked: it is only ever compared.
    pub fn recorded(text: impl Into<String>) -> Self {
        Sha(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

fn update(hasher: &mut Sha256, text: &str) {
    hasher.update(text.len().to_string().as_bytes());
    hasher.update(b" ");
    hasher.update(text.as_bytes());
    hasher.update(b" ");
}

impl fmt::Display for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text's SHA-256 as a page's policy names it: `sha256-` and base64.
pub fn for_policy(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::from("sha256-");
    for three in Sha256::digest(text.as_bytes()).chunks(3) {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for at in 0..4 {
            let digit = usize::try_from(bits >> (18 - 6 * at) & 63).unwrap_or(0);
            out.push(if at <= three.len() { char::from(DIGITS[digit]) } else { '=' });
        }
    }
    out
}

/// Lower-case hex of bytes.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_gets_base64() {
        // openssl dgst -sha256 -binary | base64
        assert_eq!(for_policy(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn fields_do_not_collide_when_they_hold_separators() {
        let a = Sha::of_fields([Some("a b"), Some("c")]);
        let b = Sha::of_fields([Some("a"), Some("b c")]);
        assert_ne!(a, b);
        assert_ne!(Sha::of_fields([None]), Sha::of_fields([Some("")]));
    }
}
