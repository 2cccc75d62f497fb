//! Values that fit a column: plain ones that differ from row to row, and the edges of what it can hold.
//!
//! Everything is made as text first (`raw`) and becomes SQL in one place, because a quoted literal without a type takes
//! the column's type on every engine; only SQLite, which stores what it is given, and MySQL's bytes want more.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::limits::{Bound, End, Limits};
use crate::rows::Column;
use crate::sql::Flavor;
use crate::typed::{FIRST_DAY, decimal, element, integer_max, letters, other, range, size, units};

/// An end of what a column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The plain value in capitals, for a text.
    Twin,
    /// Empty, zero, the first day.
    Least,
    /// The longest, the largest, the last day.
    Most,
    /// Outside of ASCII, negative, a leap day.
    Odd,
}

/// A column with everything that decides what fits into it.
pub struct Mold<'a> {
    pub column: &'a Column,
    flavor: Flavor,
    limits: Limits,
    /// Place among the columns: values of later columns are larger, so that `starts < ends` mostly holds.
    rank: usize,
}

/// Longest text that is made, in characters: more than that no index holds.
const TEXT_MAX: usize = 1000;

const HEX: &str = "0123456789abcdef";

/// Whether a literal is what those write into a boolean who know SQLite has none.
pub fn is_boolean_word(raw: &str) -> bool {
    ["t", "f", "y", "n", "yes", "no"].iter().any(|word| raw.eq_ignore_ascii_case(word))
}

/// The first key of a number, where the type can hold it: away from the small ones that scripts insert.
const FIRST_KEY: i128 = 20_011;

impl<'a> Mold<'a> {
    pub fn new(column: &'a Column, rank: usize, flavor: Flavor) -> Self {
        Mold { column, flavor, limits: Limits::of(&column.checks, &column.name), rank }
    }

    /// Whether NULL is a value for it.
    pub fn takes_null(&self) -> bool {
        self.column.nullable && !self.limits.required
    }

    /// Whether nothing but NULL is known to fit.
    pub fn is_null(&self) -> bool {
        self.column.nullable && self.limits.only_null
    }

    fn is_key(&self) -> bool {
        !self.column.keys.is_empty()
    }

    /// How many different values there are, where they are few.
    pub fn capacity(&self) -> Option<usize> {
        if !self.choices().is_empty() {
            return Some(self.choices().len());
        }
        (self.column.family == "boolean").then_some(2)
    }

    /// The only values there are: labels or what a CHECK lists.
    fn choices(&self) -> Vec<&str> {
        let all = if self.limits.one_of.is_empty() { &self.column.labels } else { &self.limits.one_of };
        all.iter().map(String::as_str).filter(|value| !self.limits.none_of.iter().any(|no| no == value)).collect()
    }

    /// The value of row `n`: different for each row, where the type has so many. `None`: no value of this type can be made.
    pub fn plain(&self, n: usize) -> Option<String> {
        let choices = self.choices();
        if !choices.is_empty() {
            return Some(choices[n % choices.len()].to_owned());
        }
        let k = n + self.rank;
        Some(match self.column.family.as_str() {
            "integer" | "number" | "float" => self.number(n),
            "boolean" => if k.is_multiple_of(2) { "true" } else { "false" }.to_owned(),
            "text" => self.text(n),
            "date" | "timestamp" | "timestamptz" => self.moment(n),
            "time" => (base().time() + TimeDelta::seconds((n * 60 + self.rank) as i64)).format("%H:%M:%S").to_string(),
            "interval" => format!("{} days", k + 1),
            "uuid" => format!("00000000-0000-4000-8000-{:04x}{n:08x}", self.rank),
            "json" => format!("{{\"k\": {n}}}"),
            "bytes" => self.bytes(&format!("{:02x}{:04x}", self.rank % 256, n % 65536)),
            "array" => format!("{{{}}}", element(&self.column.type_text, n)),
            "inet" if self.column.type_text == "inet6" => format!("::{:x}", n + 1),
            "inet" => format!("10.0.{}.{}", n / 250, n % 250 + 1),
            "cidr" => format!("10.{}.0.0/16", n % 250),
            "macaddr" if self.column.type_text.ends_with('8') => format!("08:00:2b:01:02:03:04:{:02x}", n % 256),
            "macaddr" => format!("08:00:2b:01:02:{:02x}", n % 256),
            "bits" => self.bits(n + 1),
            "year" => (2001 + n % 150).to_string(),
            "xml" => format!("<k>{n}</k>"),
            "range" => range(&self.column.type_text, n),
            "point" if self.flavor != Flavor::Mysql => format!("({n},1)"),
            "tsvector" => format!("w{n}"),
            _ if self.is_shape() => self.shape(n),
            _ if self.is_vector() => self.vector(n),
            _ if self.flavor == Flavor::Sqlite => self.text(n),
            _ => return other(&self.column.type_text, n),
        })
    }

    /// A value at an edge, where there is one that fits and the column need not differ from row to row.
    pub fn edge(&self, edge: Edge, n: usize) -> Option<String> {
        if self.is_key() || !self.choices().is_empty() {
            return None;
        }
        let pick = |least: &str, most: &str, odd: &str| match edge {
            Edge::Twin => None,
            Edge::Least => Some(least.to_owned()),
            Edge::Most => Some(most.to_owned()),
            Edge::Odd => Some(odd.to_owned()),
        };
        let value = match self.column.family.as_str() {
            "integer" | "number" | "float" => self.number_edge(edge),
            "text" => self.text_edge(edge, n),
            "date" | "timestamp" | "timestamptz" => self.moment_edge(edge),
            "time" => pick("00:00:00", "23:59:59", "12:34:56"),
            "interval" => pick("0 days", "1 year 2 mons 3 days", "-1 days"),
            "uuid" => pick("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", UUID_ODD),
            "json" => pick("{}", "[]", "{\"ä\": null}"),
            "bytes" => pick("", &"00ff".repeat(32), "00ff").map(|hex| self.bytes(&hex)),
            "array" if element(&self.column.type_text, n).is_empty() => pick("{}", "{}", "{NULL}"),
            "array" => pick("{}", &format!("{{{0},{0}}}", element(&self.column.type_text, n)), "{NULL}"),
            "inet" if self.column.type_text == "inet6" => pick("::", "ffff::ffff", "::1"),
            "inet" if self.column.type_text == "inet4" => pick("0.0.0.0", "255.255.255.255", "127.0.0.1"),
            "inet" => pick("0.0.0.0", "255.255.255.255", "::1"),
            "bits" => pick("", "", "").map(|_| self.bits(if edge == Edge::Least { 0 } else { usize::MAX })),
            "year" => pick("1901", "2155", "2000"),
            _ => None,
        }?;
        let family = self.column.family.as_str();
        let checked = matches!(family, "integer" | "number" | "float" | "text" | "date" | "timestamp" | "timestamptz");
        (!checked || self.fits(&value)).then_some(value)
    }

    /// Whether a literal of a script can be a value here.
    pub fn fits(&self, raw: &str) -> bool {
        let choices = self.choices();
        let is_sqlite_boolean = self.column.family == "boolean" && self.flavor == Flavor::Sqlite;
        let is_open = choices.is_empty() || is_sqlite_boolean && self.limits.one_of.is_empty();
        if !is_open {
            return choices.contains(&raw);
        }
        if self.limits.none_of.iter().any(|no| no == raw) {
            return false;
        }
        match self.column.family.as_str() {
            "text" => {
                let length = raw.chars().count();
                let most = self.longest().unwrap_or(TEXT_MAX);
                (self.limits.shortest..=most).contains(&length)
                    && !raw.contains('\0')
                    && self.limits.like.as_deref().is_none_or(|pattern| is_like(raw, pattern))
            }
            "integer" | "number" | "float" => units(raw, self.digits()).is_some_and(|(value, exact)| {
                let (low, high) = self.span();
                exact && (low..=high).contains(&value)
            }),
            "date" | "timestamp" | "timestamptz" => moment(raw).is_some_and(|value| self.holds(value)),
            "uuid" => raw.len() == 36 && raw.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'),
            "year" => raw.parse().is_ok_and(|year: u16| (1901..=2155).contains(&year)),
            "boolean" if is_sqlite_boolean => is_boolean_word(raw) || matches!(raw, "0" | "1"),
            _ => false,
        }
    }

    /// The value as SQL.
    pub fn sql(&self, raw: &str) -> String {
        let is_number = || units(raw, 0).is_some();
        // What a CHECK or a script has said need not be of the type.
        let is_of = |digits: &str| raw.chars().all(|ch| digits.contains(ch.to_ascii_lowercase()));
        match (self.column.family.as_str(), self.flavor) {
            ("bytes", Flavor::Postgres) => self.flavor.literal(&format!("\\x{raw}")),
            ("bytes", _) if is_of(HEX) => format!("x'{raw}'"),
            ("bits", Flavor::Mysql) if is_of("01") => format!("b'{raw}'"),
            ("boolean", Flavor::Sqlite) if !self.column.labels.is_empty() => self.flavor.literal(raw),
            ("boolean", Flavor::Sqlite | Flavor::Mysql) if raw == "true" => "1".to_owned(),
            ("boolean", Flavor::Sqlite | Flavor::Mysql) if raw == "false" => "0".to_owned(),
            ("integer" | "number" | "float" | "boolean" | "year", Flavor::Sqlite) if is_number() => raw.to_owned(),
            _ if self.is_shape() => match self.system() {
                Some(system) => format!("ST_GeomFromText({}, {system})", self.flavor.literal(raw)),
                None => format!("ST_GeomFromText({})", self.flavor.literal(raw)),
            },
            _ if self.is_vector() && is_of(HEX) => format!("x'{raw}'"),
            _ => self.flavor.literal(raw),
        }
    }

    // Numbers are counted in units of the last digit, so that bounds of any scale compare exactly.

    fn digits(&self) -> u32 {
        match self.column.family.as_str() {
            "number" if self.column.type_text == "money" => 2,
            "number" => self.column.scale.unwrap_or(if self.column.length.is_none() { 3 } else { 0 }).min(18),
            "float" => self.column.scale.unwrap_or(2).min(6),
            _ => 0,
        }
    }

    /// Least and largest value, in units.
    fn span(&self) -> (i128, i128) {
        let unsigned = self.column.type_text.to_lowercase().contains("unsigned");
        let high = match (self.column.family.as_str(), self.flavor) {
            ("integer", Flavor::Sqlite) => i128::from(i64::MAX),
            ("integer", _) => integer_max(self.column),
            (_, Flavor::Postgres) if self.column.type_text == "money" => 10_i128.pow(15),
            ("float", _) if self.column.length.is_none() => 10_i128.pow(9 + self.digits()),
            (_, Flavor::Sqlite) => 10_i128.pow(self.column.length.unwrap_or(15).min(15)) - 1,
            _ => 10_i128.pow(self.column.length.unwrap_or(20).min(36)) - 1,
        };
        let low = match self.column.family.as_str() {
            _ if unsigned => 0,
            "integer" => -high - 1,
            _ => -high,
        };
        let least = self.limits.least.as_ref().and_then(|bound| {
            let (value, exact) = units(&bound.text, self.digits())?;
            Some(if exact && bound.end == End::Held { value } else { value + 1 })
        });
        let most = self.limits.most.as_ref().and_then(|bound| {
            let (value, exact) = units(&bound.text, self.digits())?;
            Some(if exact && bound.end == End::Left { value - 1 } else { value })
        });
        (least.unwrap_or(low).max(low), most.unwrap_or(high).min(high))
    }

    fn number(&self, n: usize) -> String {
        let (low, high) = self.span();
        let one = 10_i128.pow(self.digits());
        let (n, k) = (n as i128, (n + self.rank) as i128);
        let value = match self.is_key() {
            true if high >= 32767 * one => (FIRST_KEY + n) * one,
            true => (101 + n) * one,
            false => (1 + k) * one + one / 2 * i128::from(one > 1),
        };
        let size = (high - low + 1).max(1);
        let value = if value < low {
            low + k % size
        } else if value > high {
            high - n % size
        } else {
            value
        };
        decimal(value, self.digits())
    }

    fn number_edge(&self, edge: Edge) -> Option<String> {
        let (low, high) = self.span();
        let value = match edge {
            Edge::Twin => return None,
            Edge::Least => 0.clamp(low, high.max(low)),
            Edge::Most => high,
            Edge::Odd => low,
        };
        Some(decimal(value, self.digits()))
    }

    fn longest(&self) -> Option<usize> {
        let length = self.column.length.map(|length| length as usize);
        [length, self.limits.longest].into_iter().flatten().min()
    }

    fn text(&self, n: usize) -> String {
        let name = &self.column.name;
        let name = if name.is_ascii() { name.to_lowercase().replace([' ', '\''], "_") } else { "text".to_owned() };
        let text = match &self.limits.like {
            Some(pattern) => pattern.replacen('%', &format!("a{n}"), 1).replace('%', "b").replace('_', "c"),
            None if name.contains("mail") => format!("{name}_{n}@example.org"),
            None if name.contains("url") => format!("https://example.org/{n}"),
            None => format!("{name}_{n}"),
        };
        self.sized(text, n)
    }

    /// Fits a text into the lengths allowed, and keeps it different from that of other rows.
    fn sized(&self, text: String, n: usize) -> String {
        let most = self.longest().unwrap_or(TEXT_MAX).max(self.limits.shortest);
        let length = text.chars().count();
        if length > most {
            let tail = letters(n);
            let tail: String = tail.chars().skip(tail.len().saturating_sub(most)).collect();
            let head: String = text.chars().take(most - tail.len()).collect();
            return head + &tail;
        }
        "x".repeat(self.limits.shortest.saturating_sub(length)) + &text
    }

    fn text_edge(&self, edge: Edge, n: usize) -> Option<String> {
        let most = self.longest().unwrap_or(TEXT_MAX).min(TEXT_MAX);
        Some(match edge {
            Edge::Twin => self.text(n.saturating_sub(1)).to_uppercase(),
            Edge::Least => "x".repeat(self.limits.shortest),
            Edge::Most => ('a'..='z').cycle().take(most).collect(),
            Edge::Odd => "Größe 漢字 é".chars().take(most).collect(),
        })
    }

    fn bytes(&self, hex: &str) -> String {
        let most = self.longest().unwrap_or(64).max(self.limits.shortest);
        let skip = (hex.len() / 2).saturating_sub(most) * 2;
        "00".repeat(self.limits.shortest.saturating_sub(hex.len() / 2)) + &hex[skip..]
    }

    fn bits(&self, n: usize) -> String {
        let size = self.column.length.map(|bits| bits as usize).or_else(|| size(&self.column.type_text));
        let size = size.unwrap_or(if self.column.type_text.contains("var") { 8 } else { 1 });
        (0..size.min(64)).rev().map(|bit| if n >> bit.min(63) & 1 == 1 { '1' } else { '0' }).collect()
    }

    fn moment(&self, n: usize) -> String {
        let is_date = self.column.family == "date";
        let step = |k: usize| if is_date { TimeDelta::days(k as i64) } else { TimeDelta::minutes(k as i64) };
        let k = n + self.rank;
        let days = Days::new(if is_date { k } else { n } as u64);
        let mut value = base() + days + if is_date { TimeDelta::zero() } else { step(self.rank * 60) };
        let end = |bound: &Option<Bound>| bound.as_ref().and_then(|bound| moment(&bound.text));
        let (least, most) = (end(&self.limits.least), end(&self.limits.most));
        if let Some(least) = least
            && !self.holds(value)
        {
            value = least + step(k + 1);
            if !self.holds(value) {
                value = least + step(usize::from(!self.holds(least)));
            }
        } else if let Some(most) = most
            && !self.holds(value)
        {
            value = most - step(n + 1);
        }
        self.moment_text(value)
    }

    fn moment_text(&self, value: NaiveDateTime) -> String {
        let form = match (self.column.family.as_str(), self.flavor) {
            ("date", _) => "%Y-%m-%d",
            ("timestamptz", Flavor::Postgres) => "%Y-%m-%d %H:%M:%S+00",
            _ => "%Y-%m-%d %H:%M:%S",
        };
        value.format(form).to_string()
    }

    fn moment_edge(&self, edge: Edge) -> Option<String> {
        let is_narrow = self.flavor == Flavor::Mysql && self.column.type_text.to_lowercase().starts_with("timestamp");
        let text = match (edge, self.flavor) {
            (Edge::Twin, _) => return None,
            (Edge::Least, _) if is_narrow => "1970-01-02",
            (Edge::Least, Flavor::Mysql) => "1000-01-01",
            (Edge::Least, _) => "0001-01-01",
            (Edge::Most, _) if is_narrow => "2038-01-18",
            (Edge::Most, _) => "9999-12-31",
            (Edge::Odd, _) => "2024-02-29",
        };
        let value = moment(text).filter(|value| self.holds(*value))?;
        Some(self.moment_text(value))
    }

    fn holds(&self, value: NaiveDateTime) -> bool {
        let over = |bound: &Bound| {
            moment(&bound.text).is_none_or(|end| value > end || (bound.end == End::Held && value == end))
        };
        let under = |bound: &Bound| {
            moment(&bound.text).is_none_or(|end| value < end || (bound.end == End::Held && value == end))
        };
        self.limits.least.as_ref().is_none_or(over) && self.limits.most.as_ref().is_none_or(under)
    }

    /// Whether the value is MySQL's geometry, which takes no text.
    fn is_shape(&self) -> bool {
        let kind = self.column.type_text.to_lowercase();
        let kinds = ["point", "linestring", "polygon", "geom", "multipoint", "multilinestring", "multipolygon"];
        self.flavor == Flavor::Mysql && kinds.iter().any(|known| kind.starts_with(known))
    }

    /// The spatial reference system that MySQL wants of a column's shapes.
    fn system(&self) -> Option<&str> {
        Some(self.column.type_text.split_once(" srid ")?.1)
    }

    fn shape(&self, n: usize) -> String {
        // On a globe there is no latitude of a hundred.
        let at = |n: usize| if self.system().is_some() { decimal(n as i128, 4) } else { n.to_string() };
        let (here, next) = (at(n), at(n + 1));
        let kind = self.column.type_text.to_lowercase();
        match kind.split(' ').next().unwrap_or_default() {
            "linestring" => format!("LINESTRING(0 0,1 {here})"),
            "polygon" => format!("POLYGON((0 0,1 0,1 {next},0 0))"),
            "multipoint" => format!("MULTIPOINT(0 0,1 {here})"),
            "multilinestring" => format!("MULTILINESTRING((0 0,1 {here}))"),
            "multipolygon" => format!("MULTIPOLYGON(((0 0,1 0,1 {next},0 0)))"),
            "geometrycollection" | "geomcollection" => format!("GEOMETRYCOLLECTION(POINT({here} 1))"),
            _ => format!("POINT({here} 1)"),
        }
    }

    /// Whether the value is a vector, which takes the bytes of its numbers.
    fn is_vector(&self) -> bool {
        self.flavor == Flavor::Mysql && self.column.type_text.to_lowercase().starts_with("vector")
    }

    fn vector(&self, n: usize) -> String {
        let number = f32::from(u16::try_from(n % 4096).unwrap_or_default());
        let bytes: String = number.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        bytes.repeat(size(&self.column.type_text).unwrap_or(1))
    }
}

const UUID_ODD: &str = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

/// The moment from which plain dates and times count.
fn base() -> NaiveDateTime {
    FIRST_DAY.and_time(NaiveTime::MIN) + TimeDelta::hours(8)
}

/// A date or a date with time, as scripts and catalogs write it; a zone is passed over.
fn moment(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(date.and_time(NaiveTime::MIN));
    }
    let head = text.get(..19)?;
    ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"].iter().find_map(|form| NaiveDateTime::parse_from_str(head, form).ok())
}

/// Whether the pieces of a LIKE pattern occur in order; `_` is not looked at closely.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut rest = text;
    for piece in pattern.split(['%', '_']).filter(|piece| !piece.is_empty()) {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    let starts = pattern.starts_with(['%', '_']) || text.starts_with(pattern.split(['%', '_']).next().unwrap_or(""));
    let ends = pattern.ends_with(['%', '_']) || rest.is_empty();
    starts && ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(family: &str, type_text: &str) -> Column {
        Column { name: "c".to_owned(), family: family.to_owned(), type_text: type_text.to_owned(), ..Column::default() }
    }

    #[test]
    fn numbers_stay_within_precision_and_checks() {
        let mut money = column("number", "numeric(4,2)");
        (money.length, money.scale) = (Some(4), Some(2));
        let mold = Mold::new(&money, 0, Flavor::Postgres);
        assert_eq!(mold.plain(0).as_deref(), Some("1.50"));
        assert_eq!(mold.edge(Edge::Most, 0).as_deref(), Some("99.99"));
        assert_eq!(mold.edge(Edge::Odd, 0).as_deref(), Some("-99.99"));
        assert_eq!(mold.plain(500).as_deref(), Some("94.99"));
        money.checks = vec!["(c > (0)::numeric)".to_owned(), "c <= 0.5".to_owned()];
        let mold = Mold::new(&money, 0, Flavor::Postgres);
        assert_eq!(mold.edge(Edge::Least, 0).as_deref(), Some("0.01"));
        assert_eq!(mold.plain(0).as_deref(), Some("0.50"));
        assert!(mold.fits("0.25") && !mold.fits("0.251") && !mold.fits("0.6"));
        let tiny = column("integer", "tinyint(3) unsigned");
        assert_eq!(Mold::new(&tiny, 0, Flavor::Mysql).edge(Edge::Most, 0).as_deref(), Some("255"));
        let mut ranged = column("integer", "integer");
        ranged.checks = vec!["c BETWEEN 1 AND 9".to_owned(), "c <> 5".to_owned()];
        let mold = Mold::new(&ranged, 0, Flavor::Sqlite);
        assert!((0..40).all(|n| (1..=9).contains(&mold.plain(n).unwrap().parse::<i64>().unwrap())));
        assert!(!mold.fits("5") && mold.fits("6"));
    }

    #[test]
    fn texts_fit_their_lengths_and_still_differ() {
        let mut code = column("text", "varchar(2)");
        code.length = Some(2);
        let mold = Mold::new(&code, 0, Flavor::Mysql);
        let made: std::collections::BTreeSet<String> = (0..50).filter_map(|n| mold.plain(n)).collect();
        assert_eq!(made.len(), 50);
        assert!(made.iter().all(|text| text.chars().count() <= 2));
        code.checks = vec!["length(c) = 2".to_owned()];
        let mold = Mold::new(&code, 0, Flavor::Mysql);
        assert_eq!(mold.edge(Edge::Least, 0).as_deref(), Some("xx"));
        let mut mail = column("text", "text");
        mail.checks = vec!["c LIKE '%@%.org'".to_owned()];
        let mold = Mold::new(&mail, 0, Flavor::Sqlite);
        assert!(mold.fits(&mold.plain(7).unwrap()));
        assert_eq!(mold.edge(Edge::Odd, 0), None);
    }

    #[test]
    fn moments_keep_within_a_partition() {
        let mut day = column("timestamp", "timestamp without time zone");
        day.checks =
            vec!["((c >= '2023-05-01 00:00:00'::timestamp) AND (c < '2023-05-02 00:00:00'::timestamp))".into()];
        let mold = Mold::new(&day, 1, Flavor::Postgres);
        assert_eq!(mold.plain(0).as_deref(), Some("2023-05-01 00:02:00"));
        assert_eq!(mold.edge(Edge::Most, 0), None);
        let mut past = column("date", "date");
        past.checks = vec!["c < '2000-01-01'".to_owned()];
        assert_eq!(Mold::new(&past, 1, Flavor::Mysql).plain(0).as_deref(), Some("1999-12-31"));
    }

    #[test]
    fn sql_is_what_each_engine_reads() {
        let of = |family, flavor, raw| Mold::new(&column(family, ""), 0, flavor).sql(raw);
        assert_eq!(of("bytes", Flavor::Postgres, "00ff"), "E'\\\\x00ff'");
        assert_eq!(of("bytes", Flavor::Sqlite, "00ff"), "x'00ff'");
        assert_eq!(of("bits", Flavor::Mysql, "101"), "b'101'");
        assert_eq!(of("integer", Flavor::Sqlite, "-5"), "-5");
        assert_eq!(of("integer", Flavor::Postgres, "-5"), "'-5'");
        assert_eq!(of("boolean", Flavor::Sqlite, "true"), "1");
        assert_eq!(of("text", Flavor::Sqlite, "it's"), "'it''s'");
    }
}
