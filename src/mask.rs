//! Masks: what stands in the place of a real value, before it is written or shown anywhere.
//!
//! A hash keeps what keys and checks look at: equal values stay equal and different ones different, also where only case tells
//! them apart; the length, the digits' and letters' places and all punctuation stay. So a masked key still leads to its row.

use std::collections::{HashMap, HashSet};

use crate::sha::Sha;

/// What becomes of the values of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Another value of the same form.
    Hash,
    Null,
    Fixed(String),
}

/// What a value is made of, and so what may stand in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Letters become letters and digits digits; the rest stays.
    Text,
    /// A whole number with as many digits, within the type that the value needs.
    Whole,
    /// A number whose digits are others.
    Decimal,
    /// Hexadecimal digits.
    Hex,
}

impl Form {
    /// The form of a family of types ([`crate::rows::FAMILIES`]); `None` where a hash has no such form.
    pub fn of(family: &str) -> Option<Form> {
        match family {
            "text" => Some(Form::Text),
            "integer" => Some(Form::Whole),
            "number" => Some(Form::Decimal),
            "uuid" | "bytes" => Some(Form::Hex),
            _ => None,
        }
    }
}

/// Hashes values, and remembers which so that no two become one.
pub struct Hasher {
    salt: String,
    masked: HashMap<(Form, String), String>,
    taken: HashSet<(Form, String)>,
}

/// The ends of the types that whole numbers stand in.
const ENDS: &[u128] = &[
    127,
    255,
    32_767,
    65_535,
    8_388_607,
    16_777_215,
    2_147_483_647,
    4_294_967_295,
    9_223_372_036_854_775_807,
    18_446_744_073_709_551_615,
];

/// So often another value is tried where one is taken.
const TRIES: u32 = 10_000;

impl Hasher {
    /// `salt` should be random: nobody can try values against what comes out.
    pub fn new(salt: String) -> Self {
        Hasher { salt, masked: HashMap::new(), taken: HashSet::new() }
    }

    /// What stands for this value, always the same. A value without letters and digits stays.
    pub fn hash(&mut self, form: Form, value: &str) -> String {
        let plain = value.to_ascii_lowercase();
        if !plain.chars().any(|ch| is_moved(form, ch)) {
            return value.to_owned();
        }
        let key = (form, plain);
        let masked = match self.masked.get(&key) {
            Some(masked) => masked.clone(),
            None => {
                let masked = self.find(form, &key.1);
                self.taken.insert((form, masked.clone()));
                self.masked.insert(key, masked.clone());
                masked
            }
        };
        if form == Form::Whole {
            return masked;
        }
        let cased = |(ch, was): (char, char)| if was.is_ascii_uppercase() { ch.to_ascii_uppercase() } else { ch };
        masked.chars().zip(value.chars()).map(cased).collect()
    }

    fn find(&self, form: Form, plain: &str) -> String {
        let is_free = |found: &String| !self.taken.contains(&(form, found.clone()));
        let fits = |found: &String| form != Form::Whole || is_within(found, plain);
        // Where all others of its length are taken, a whole number may have a digit more, and anything else stays as it is.
        let wider = (form == Form::Whole).then(|| format!("{plain}0"));
        for pattern in std::iter::once(plain).chain(wider.as_deref()) {
            let tries = (0..TRIES).map(|number| self.moved(form, pattern, number));
            if let Some(found) = tries.into_iter().find(|found| is_free(found) && found != plain && fits(found)) {
                return found;
            }
        }
        plain.to_owned()
    }

    fn moved(&self, form: Form, plain: &str, number: u32) -> String {
        let mut block = 0_u32;
        let mut bytes: Vec<u8> = Vec::new();
        let mut next = || {
            if bytes.is_empty() {
                let (number, place) = (number.to_string(), block.to_string());
                let sha = Sha::of_fields([&self.salt, plain, &number, &place].map(|field| Some(field as &str)));
                block += 1;
                // Two hexadecimal digits for each character, which is even enough.
                let pairs = sha.as_str().as_bytes().chunks_exact(2);
                bytes = pairs.map(|pair| digit(pair[0]) * 16 + digit(pair[1])).collect();
            }
            bytes.pop().unwrap_or_default()
        };
        let mut is_first = true;
        let mut one = |ch: char| {
            if !is_moved(form, ch) {
                return ch;
            }
            let random = next();
            let leads = std::mem::take(&mut is_first) && ch != '0';
            match form {
                Form::Hex => char::from(b"0123456789abcdef"[usize::from(random % 16)]),
                Form::Whole | Form::Decimal if leads => char::from(b'1' + random % 9),
                _ if ch.is_ascii_digit() => char::from(b'0' + random % 10),
                _ => char::from(b'a' + random % 26),
            }
        };
        plain.chars().map(&mut one).collect()
    }
}

fn is_moved(form: Form, ch: char) -> bool {
    match form {
        Form::Text => ch.is_ascii_alphanumeric() || !ch.is_ascii(),
        Form::Whole | Form::Decimal => ch.is_ascii_digit(),
        Form::Hex => ch.is_ascii_hexdigit(),
    }
}

/// Whether the number fits every type that the other one fits.
fn is_within(found: &str, plain: &str) -> bool {
    let size = |text: &str| text.trim_start_matches('-').parse::<u128>().unwrap_or(0);
    let end = ENDS.iter().copied().find(|end| *end >= size(plain)).unwrap_or(u128::MAX);
    size(found) <= end
}

fn digit(hex: u8) -> u8 {
    char::from(hex).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher() -> Hasher {
        Hasher::new("salt".to_owned())
    }

    #[test]
    fn the_last_of_a_small_range_is_no_double() {
        for salt in 0..50 {
            let mut hasher = Hasher::new(salt.to_string());
            let hashed: HashSet<String> =
                (1..=60).map(|number| hasher.hash(Form::Whole, &number.to_string())).collect();
            assert_eq!(hashed.len(), 60, "salt {salt}");
        }
    }

    #[test]
    fn a_hash_keeps_form_equality_and_case() {
        let mut hasher = hasher();
        let masked = hasher.hash(Form::Text, "Ann.Lee-7@Example.org");
        let form: String = masked
            .chars()
            .map(|ch| match ch {
                'A'..='Z' => 'A',
                'a'..='z' => 'a',
                '0'..='9' => '0',
                other => other,
            })
            .collect();
        assert_eq!(form, "Aaa.Aaa-0@Aaaaaaa.aaa");
        assert_eq!(hasher.hash(Form::Text, "Ann.Lee-7@Example.org"), masked);
        assert_eq!(hasher.hash(Form::Text, "ann.lee-7@example.org"), masked.to_ascii_lowercase());
        assert_ne!(masked, "Ann.Lee-7@Example.org");
        assert_eq!(hasher.hash(Form::Text, "Größe 漢字").chars().count(), 8);
        assert_eq!(hasher.hash(Form::Text, "--"), "--");
        assert_eq!(hasher.hash(Form::Text, ""), "");
        assert_eq!(hasher.hash(Form::Hex, "00000000-0000-4000-8000-00000000000a").len(), 36);
    }

    #[test]
    fn different_values_stay_different_and_fit_their_type() {
        let mut hasher = hasher();
        let whole: HashSet<String> = (1..=300).map(|n| hasher.hash(Form::Whole, &n.to_string())).collect();
        assert_eq!(whole.len(), 300);
        assert!(whole.iter().all(|text| !text.starts_with('0') && text.parse::<u16>().is_ok_and(|n| n <= 999)));
        for (value, end) in [("120", 127_i128), ("32000", 32_767), ("2147483600", 2_147_483_647)] {
            let masked: i128 = hasher.hash(Form::Whole, value).parse().unwrap();
            assert!(masked <= end && masked.to_string().len() == value.len(), "{masked}");
        }
        assert!(hasher.hash(Form::Whole, "-40").starts_with('-'));
        let amount = hasher.hash(Form::Decimal, "-120.50");
        assert!(amount.starts_with('-') && amount.len() == 7 && amount.as_bytes()[4] == b'.', "{amount}");
        let codes: HashSet<String> = ('a'..='t').map(|ch| hasher.hash(Form::Text, &ch.to_string())).collect();
        assert_eq!(codes.len(), 20);
    }
}
