//! What simple CHECKs leave a column to hold.
//!
//! A row that meets its table's CHECKs needs no solver: most of them are comparisons with a literal, lists, lengths and
//! patterns, joined by AND. Those are read out of the text that the engine's catalog gives; what is not understood is
//! left out, and the database has the last word when the row is inserted.

use crate::predicate::{Cond, Operand, Sign};

/// What the CHECKs of a table say about one of its columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub least: Option<Bound>,
    pub most: Option<Bound>,
    /// The only values allowed; empty: no such list.
    pub one_of: Vec<String>,
    pub none_of: Vec<String>,
    /// Length of a text in characters.
    pub shortest: usize,
    pub longest: Option<usize>,
    /// A LIKE pattern.
    pub like: Option<String>,
    /// NULL is refused by a CHECK.
    pub required: bool,
    /// Nothing but NULL is known to be allowed.
    pub only_null: bool,
}

/// An end of a range, as the text of a number or a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    pub text: String,
    pub end: End,
}

/// Whether a range holds its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Held,
    Left,
}

impl Limits {
    /// Reads what `checks` (SQL expressions) say about `column`. `VALUE` in capitals is a domain's word for it.
    pub fn of(checks: &[String], column: &str) -> Limits {
        let mut limits = Limits::default();
        for check in checks {
            limits.add(&Cond::read(check), column);
        }
        limits
    }

    fn add(&mut self, cond: &Cond, column: &str) {
        let is = |name: &String| name == "VALUE" || name.eq_ignore_ascii_case(column);
        match cond {
            Cond::All(parts) => parts.iter().for_each(|part| self.add(part, column)),
            Cond::Any(parts) => self.add_any(parts, column),
            Cond::Compare(Operand::Column(name), sign, value) if is(name) => self.compare(*sign, value),
            Cond::Compare(Operand::Length(name), sign, value) if is(name) => self.measure(*sign, value),
            Cond::OneOf(name, values) if is(name) => self.one_of.clone_from(values),
            Cond::NoneOf(name, values) if is(name) => self.none_of.extend(values.iter().cloned()),
            Cond::Like(name, pattern) if is(name) => self.like = Some(pattern.clone()),
            Cond::NotNull(name) if is(name) => self.required = true,
            Cond::Null(name) if is(name) => self.only_null = true,
            _ => {}
        }
    }

    /// One alternative is enough: the first that is understood and asks for a value, the same for every column.
    fn add_any(&mut self, parts: &[Cond], column: &str) {
        let equal = |part: &Cond| match part {
            Cond::Compare(Operand::Column(name), Sign::Equal, value) => Some((name.clone(), value.clone())),
            _ => None,
        };
        let pairs: Vec<(String, String)> = parts.iter().filter_map(equal).collect();
        if pairs.len() == parts.len() && pairs.iter().all(|(name, _)| *name == pairs[0].0) {
            let values = pairs.iter().map(|(_, value)| value.clone()).collect();
            return self.add(&Cond::OneOf(pairs[0].0.clone(), values), column);
        }
        let understood = |part: &&Cond| part.is_clear() && !matches!(part, Cond::Null(_));
        if let Some(part) = parts.iter().find(understood).or_else(|| parts.iter().find(|part| part.is_clear())) {
            self.add(part, column);
        }
    }

    fn compare(&mut self, sign: Sign, value: &str) {
        let bound = |end| Some(Bound { text: value.to_owned(), end });
        match sign {
            Sign::Equal => self.one_of = vec![value.to_owned()],
            Sign::Unequal => self.none_of.push(value.to_owned()),
            Sign::Less => self.most = bound(End::Left),
            Sign::AtMost => self.most = bound(End::Held),
            Sign::More => self.least = bound(End::Left),
            Sign::AtLeast => self.least = bound(End::Held),
        }
    }

    fn measure(&mut self, sign: Sign, value: &str) {
        let Ok(length) = value.parse::<usize>() else { return };
        match sign {
            Sign::Equal => (self.shortest, self.longest) = (length, Some(length)),
            Sign::Unequal => self.shortest = self.shortest.max(length + 1),
            Sign::Less => self.longest = Some(length.saturating_sub(1)),
            Sign::AtMost => self.longest = Some(length),
            Sign::More => self.shortest = self.shortest.max(length + 1),
            Sign::AtLeast => self.shortest = self.shortest.max(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(check: &str) -> Limits {
        Limits::of(&[check.to_owned()], "x")
    }

    fn held(text: &str) -> Option<Bound> {
        Some(Bound { text: text.to_owned(), end: End::Held })
    }

    fn left(text: &str) -> Option<Bound> {
        Some(Bound { text: text.to_owned(), end: End::Left })
    }

    #[test]
    fn comparisons_are_read_as_each_engine_writes_them() {
        assert_eq!(of("((x > 0) AND (y >= (0)::numeric))").least, left("0"));
        assert_eq!(of("`x` >= -1").least, held("-1"));
        assert_eq!(of("CHECK ((x > 0)) NOT VALID").least, left("0"));
        assert_eq!(of("x>=-1").least, held("-1"));
        assert_eq!(of("0 < \"x\"").least, left("0"));
        let both = of("x BETWEEN 1 AND 9");
        assert_eq!((both.least, both.most), (held("1"), held("9")));
        assert_eq!(of("((x >= '2024-01-01'::date) AND (x < '2025-01-01'::date))").most, left("2025-01-01"));
        assert_eq!(
            of("((x >= '2024-01-01 00:00:00'::timestamp without time zone))").least,
            held("2024-01-01 00:00:00")
        );
    }

    #[test]
    fn lists_are_read_as_each_engine_writes_them() {
        let ab = ["a".to_owned(), "b".to_owned()];
        assert_eq!(of("x in ('a', 'b')").one_of, ab);
        assert_eq!(of("`x` in (_utf8mb4'a',_utf8mb4'b')").one_of, ab);
        assert_eq!(of("(x = ANY (ARRAY['a'::text, 'b'::text]))").one_of, ab);
        let varying = "((x)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying(9)])::text[]))";
        assert_eq!(of(varying).one_of, ab);
        assert_eq!(of("x = 'a' OR x = 'b'").one_of, ab);
        assert_eq!(of("(x <> ALL (ARRAY['a'::text, 'b'::text]))").none_of, ab);
        assert_eq!(of("x NOT IN ('a','b')").none_of, ab);
    }

    #[test]
    fn lengths_and_patterns() {
        assert_eq!(of("length(x) <= 5").longest, Some(5));
        assert_eq!(of("(char_length((x)::text) >= 3)").shortest, 3);
        assert_eq!(of("length(trim(x)) > 0").shortest, 1);
        assert_eq!(of("(VALUE ~~ '%@%'::text)").like.as_deref(), Some("%@%"));
        assert_eq!(of("(x <> ''::text)").none_of, [""]);
    }

    #[test]
    fn alternatives_ask_for_a_value_where_they_can() {
        assert_eq!(of("((x IS NULL) OR (x > 5))").least, left("5"));
        assert!(of("x IS NULL OR weird(x, 3) ~ 'k'").only_null);
        assert!(of("x IS NOT NULL").required);
        assert!(of("NOT (x IS NULL)").required);
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        assert_eq!(of("x > y"), Limits::default());
        assert_eq!(of("x + 1 > 5"), Limits::default());
        assert_eq!(of("(x)::text ~ '^[a-z]+$' AND x <> 'k'").none_of, ["k"]);
        assert_eq!(of("CASE WHEN x = 1 AND y = 2 THEN true ELSE false END AND x < 9").most, left("9"));
        for deep in ["(", "- ", "x in (", "not ", "f("] {
            assert_eq!(of(&deep.repeat(5000)), Limits::default());
        }
        for odd in ["", ")", "x in (", "'", "x between", "= = =", "x::", "::::", "-", "not", "x is"] {
            let _ = of(odd);
        }
    }
}
