//! Conditions of SQL, as far as they are simple: comparisons of a column, or of its length, with literals.
//!
//! The text comes from the engine's catalog, so it is well formed, but each engine writes it in its own way: casts and
//! `ANY (ARRAY[…])`, charset introducers, or just what the user typed. Whatever is not understood reads as `Unknown`.

/// How a value compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Sign {
    fn read(text: &str) -> Option<Sign> {
        Some(match text {
            "=" | "==" => Sign::Equal,
            "<>" | "!=" => Sign::Unequal,
            "<" => Sign::Less,
            "<=" => Sign::AtMost,
            ">" => Sign::More,
            ">=" => Sign::AtLeast,
            _ => return None,
        })
    }

    /// The sign with its sides changed: `0 < x` is `x > 0`.
    fn turned(self) -> Sign {
        match self {
            Sign::Less => Sign::More,
            Sign::AtMost => Sign::AtLeast,
            Sign::More => Sign::Less,
            Sign::AtLeast => Sign::AtMost,
            same => same,
        }
    }
}

/// A condition; columns by name.
#[derive(Clone, Debug, PartialEq)]
pub enum Cond {
    All(Vec<Cond>),
    Any(Vec<Cond>),
    Compare(Operand, Sign, String),
    OneOf(String, Vec<String>),
    NoneOf(String, Vec<String>),
    Like(String, String),
    Null(String),
    NotNull(String),
    Unknown,
}

impl Cond {
    /// Reads an expression, or a whole `CHECK (…)`.
    pub fn read(text: &str) -> Cond {
        Reader::new(text).read().cond()
    }

    /// Whether it is understood, so that rows can be made to meet it.
    pub fn is_clear(&self) -> bool {
        match self {
            Cond::All(parts) => parts.iter().all(Cond::is_clear),
            Cond::Any(parts) => parts.iter().any(Cond::is_clear),
            Cond::Unknown => false,
            _ => true,
        }
    }

    fn negated(self) -> Cond {
        match self {
            Cond::Compare(what, Sign::Equal, value) => Cond::Compare(what, Sign::Unequal, value),
            Cond::OneOf(name, values) => Cond::NoneOf(name, values),
            Cond::Null(name) => Cond::NotNull(name),
            Cond::NotNull(name) => Cond::Null(name),
            _ => Cond::Unknown,
        }
    }
}

/// A side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    Column(String),
    Length(String),
    Value(String),
    List(Vec<String>),
    Other,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Cond(Cond),
    Operand(Operand),
}

impl Node {
    fn cond(self) -> Cond {
        match self {
            Node::Cond(cond) => cond,
            Node::Operand(_) => Cond::Unknown,
        }
    }

    fn operand(self) -> Operand {
        match self {
            Node::Operand(operand) => operand,
            Node::Cond(_) => Operand::Other,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Name(String),
    Value(String),
    Sign(String),
}

/// Deepest nesting that is read; deeper is not understood.
const DEPTH_MAX: usize = 100;

/// A reader of one expression by recursive descent.
struct Reader {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Reader {
    fn new(text: &str) -> Reader {
        Reader { tokens: tokens(text), at: 0, depth: 0 }
    }

    fn read(&mut self) -> Node {
        if self.take("check") {
            // PostgreSQL gives the whole constraint; after the brackets stand NOT VALID and the like.
            return self.primary();
        }
        let node = self.any();
        if self.at == self.tokens.len() { node } else { Node::Cond(Cond::Unknown) }
    }

    fn is(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(text)) if text.eq_ignore_ascii_case(word))
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Sign(text)) if text == sign)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.is(word) || self.is_sign(word);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Node {
        self.joined("or", Reader::all, Cond::Any)
    }

    fn all(&mut self) -> Node {
        self.joined("and", Reader::not, Cond::All)
    }

    fn joined(&mut self, word: &str, part: fn(&mut Reader) -> Node, join: fn(Vec<Cond>) -> Cond) -> Node {
        let first = part(self);
        if !self.is(word) {
            return first;
        }
        let mut parts = vec![first.cond()];
        while self.take(word) {
            parts.push(part(self).cond());
        }
        Node::Cond(join(parts))
    }

    fn not(&mut self) -> Node {
        if self.take("not") {
            return Node::Cond(self.not_once().cond().negated());
        }
        self.not_once()
    }

    /// A predicate; when what follows is not understood, the rest of it is passed over.
    fn not_once(&mut self) -> Node {
        if self.depth > DEPTH_MAX {
            self.pass();
            return Node::Cond(Cond::Unknown);
        }
        self.depth += 1;
        let node = self.predicate();
        self.depth -= 1;
        let ends = self.at == self.tokens.len()
            || self.is("and")
            || self.is("or")
            || self.is_sign(")")
            || self.is_sign(",")
            || self.is_sign("]");
        if ends {
            return node;
        }
        self.pass();
        Node::Cond(Cond::Unknown)
    }

    /// Moves to the next AND, OR or closing bracket of this level.
    fn pass(&mut self) {
        let mut level = 0usize;
        while let Some(token) = self.tokens.get(self.at) {
            match token {
                Token::Sign(sign) if matches!(sign.as_str(), "(" | "[") => level += 1,
                Token::Sign(sign) if matches!(sign.as_str(), ")" | "]") && level == 0 => return,
                Token::Sign(sign) if matches!(sign.as_str(), ")" | "]") => level -= 1,
                Token::Word(word) if word.eq_ignore_ascii_case("case") => level += 1,
                Token::Word(word) if word.eq_ignore_ascii_case("end") => level = level.saturating_sub(1),
                Token::Word(_) if level == 0 && (self.is("and") || self.is("or")) => return,
                _ => {}
            }
            self.at += 1;
        }
    }

    fn predicate(&mut self) -> Node {
        let left = match self.term() {
            Node::Cond(cond) => return Node::Cond(cond),
            Node::Operand(operand) => operand,
        };
        if self.take("is") {
            let not = self.take("not");
            return Node::Cond(match left {
                Operand::Column(name) if self.take("null") && not => Cond::NotNull(name),
                Operand::Column(name) if self.before_was_null() => Cond::Null(name),
                _ => Cond::Unknown,
            });
        }
        let not = self.take("not");
        let cond = if self.take("between") {
            let (low, high) = (self.term().operand(), self.take("and").then(|| self.term().operand()));
            match high {
                Some(high) => {
                    Cond::All(vec![compare(left.clone(), Sign::AtLeast, low), compare(left, Sign::AtMost, high)])
                }
                None => Cond::Unknown,
            }
        } else if self.take("in") {
            listed(left, self.list())
        } else if self.take("like") || self.take("~~") {
            match (left, self.term().operand()) {
                (Operand::Column(name), Operand::Value(pattern)) => Cond::Like(name, pattern),
                _ => Cond::Unknown,
            }
        } else if let Some(sign) = self.sign() {
            let every = self.is("all");
            let right = if self.take("any") || self.take("some") || self.take("all") {
                self.list().map_or(Operand::Other, Operand::List)
            } else {
                self.term().operand()
            };
            match (sign, right, every) {
                (Sign::Equal, Operand::List(values), false) => listed(left, Some(values)),
                (Sign::Unequal, Operand::List(values), true) => listed(left, Some(values)).negated(),
                (sign, right, _) => compare(left, sign, right),
            }
        } else {
            return Node::Operand(left);
        };
        Node::Cond(if not { cond.negated() } else { cond })
    }

    fn before_was_null(&self) -> bool {
        matches!(self.at.checked_sub(1).and_then(|at| self.tokens.get(at)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("null"))
    }

    fn sign(&mut self) -> Option<Sign> {
        let Some(Token::Sign(text)) = self.tokens.get(self.at) else { return None };
        let sign = Sign::read(text)?;
        self.at += 1;
        Some(sign)
    }

    /// A bracketed list of literals, with `ARRAY[…]` and casts around it.
    fn list(&mut self) -> Option<Vec<String>> {
        if self.take("array") || self.is_sign("[") {
            return self.items("[", "]");
        }
        if !self.is_sign("(") {
            return None;
        }
        let start = self.at;
        self.at += 1;
        if self.depth < DEPTH_MAX && (self.is_sign("(") || self.is("array")) {
            self.depth += 1;
            let inner = self.list();
            self.depth -= 1;
            self.casts();
            return if self.take(")") { inner } else { None };
        }
        self.at = start;
        self.items("(", ")")
    }

    fn items(&mut self, open: &str, close: &str) -> Option<Vec<String>> {
        if !self.take(open) {
            return None;
        }
        let mut values = Vec::new();
        loop {
            match self.term().operand() {
                Operand::Value(value) => values.push(value),
                _ => return None,
            }
            if !self.take(",") {
                break;
            }
        }
        let closed = self.take(close);
        self.casts();
        closed.then_some(values)
    }

    /// An operand with its casts; arithmetic is not understood.
    fn term(&mut self) -> Node {
        let node = self.primary();
        self.casts();
        let mut other = false;
        while ["+", "-", "*", "/", "%", "||", "->", "->>"].iter().any(|sign| self.is_sign(sign)) {
            self.at += 1;
            let _ = self.primary();
            self.casts();
            other = true;
        }
        if other { Node::Operand(Operand::Other) } else { node }
    }

    fn primary(&mut self) -> Node {
        if self.take("(") {
            let node = self.any();
            return if self.take(")") { node } else { Node::Operand(Operand::Other) };
        }
        if self.depth < DEPTH_MAX && self.take("-") {
            self.depth += 1;
            let operand = self.primary().operand();
            self.depth -= 1;
            return Node::Operand(match operand {
                Operand::Value(value) => Operand::Value(format!("-{value}")),
                _ => Operand::Other,
            });
        }
        let Some(token) = self.tokens.get(self.at).cloned() else { return Node::Operand(Operand::Other) };
        let operand = match token {
            Token::Value(value) => Operand::Value(value),
            Token::Name(name) => Operand::Column(name),
            Token::Word(word) => return self.word(&word),
            Token::Sign(_) => return Node::Operand(Operand::Other),
        };
        self.at += 1;
        Node::Operand(operand)
    }

    fn word(&mut self, word: &str) -> Node {
        let lower = word.to_lowercase();
        if matches!(lower.as_str(), "case" | "and" | "or" | "in" | "between" | "like") {
            return Node::Operand(Operand::Other);
        }
        self.at += 1;
        if !self.is_sign("(") {
            return Node::Operand(match lower.as_str() {
                "true" | "false" => Operand::Value(lower),
                "null" | "current_date" | "current_timestamp" => Operand::Other,
                _ => Operand::Column(word.to_owned()),
            });
        }
        self.at += 1;
        let first = self.any();
        let alone = self.is_sign(")");
        self.pass();
        self.take(")");
        Node::Operand(match (lower.as_str(), first) {
            ("length" | "char_length" | "character_length" | "octet_length", Node::Operand(Operand::Column(name)))
                if alone =>
            {
                Operand::Length(name)
            }
            ("lower" | "upper" | "trim" | "btrim" | "ltrim" | "rtrim" | "cast", Node::Operand(operand)) => operand,
            _ => Operand::Other,
        })
    }

    /// `::type`, with the words, sizes and brackets that types have.
    fn casts(&mut self) {
        while self.take("::") {
            self.at += 1;
            while self.take(".") {
                self.at += 1;
            }
            while ["varying", "precision", "with", "without", "time", "zone"].iter().any(|word| self.is(word)) {
                self.at += 1;
            }
            for (open, close) in [("(", ")"), ("[", "]")] {
                if self.take(open) {
                    self.pass();
                    self.take(close);
                }
            }
            while ["with", "without", "time", "zone"].iter().any(|word| self.is(word)) {
                self.at += 1;
            }
        }
        if self.take("collate") {
            self.at += 1;
        }
    }
}

fn compare(left: Operand, sign: Sign, right: Operand) -> Cond {
    match (left, right) {
        (Operand::Value(value), what @ (Operand::Column(_) | Operand::Length(_))) => {
            Cond::Compare(what, sign.turned(), value)
        }
        (what @ (Operand::Column(_) | Operand::Length(_)), Operand::Value(value)) => Cond::Compare(what, sign, value),
        _ => Cond::Unknown,
    }
}

fn listed(left: Operand, values: Option<Vec<String>>) -> Cond {
    match (left, values) {
        (Operand::Column(name), Some(values)) => Cond::OneOf(name, values),
        _ => Cond::Unknown,
    }
}

/// Cuts an expression into tokens. Nothing is refused: what is odd becomes a sign that no rule knows.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        let run = |mut at: usize, holds: &dyn Fn(char) -> bool| {
            while at < chars.len() && holds(chars[at]) {
                at += 1;
            }
            at
        };
        let text = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
        match chars[at] {
            ch if ch.is_whitespace() => at += 1,
            '-' if chars.get(at + 1) == Some(&'-') => at = run(at, &|ch| ch != '\n'),
            '/' if chars.get(at + 1) == Some(&'*') => {
                at += 2;
                while at < chars.len() && !(chars[at - 1] == '/' && chars[at - 2] == '*' && at > start + 3) {
                    at += 1;
                }
            }
            quote @ ('\'' | '"' | '`') => {
                let (body, end) = quoted(&chars, at, quote);
                at = end;
                tokens.push(if quote == '\'' { Token::Value(body) } else { Token::Name(body) });
            }
            ch if ch.is_ascii_digit() => {
                at = run(at, &|ch| ch.is_ascii_digit() || ch == '.');
                tokens.push(Token::Value(text(start, at)));
            }
            ch if ch.is_alphanumeric() || ch == '_' => {
                at = run(at, &|ch| ch.is_alphanumeric() || ch == '_' || ch == '$');
                // `_utf8mb4'x'`, `E'x'`: the word belongs to the literal.
                if chars.get(at) != Some(&'\'') {
                    tokens.push(Token::Word(text(start, at)));
                }
            }
            '(' | ')' | '[' | ']' | ',' | '.' | '+' | '*' | '/' | '%' => {
                at += 1;
                tokens.push(Token::Sign(text(start, at)));
            }
            _ => {
                at = run(at, &|ch| "<>=!~|:&^#@?-".contains(ch)).max(start + 1);
                // `>-1` and `=-1` are a sign and a minus.
                if at > start + 1 && chars[at - 1] == '-' && chars[start] != '-' {
                    at -= 1;
                }
                tokens.push(Token::Sign(text(start, at)));
            }
        }
    }
    tokens
}

/// The text between quotes, a doubled quote standing for one, and where it ends.
fn quoted(chars: &[char], start: usize, quote: char) -> (String, usize) {
    let mut body = String::new();
    let mut at = start + 1;
    while at < chars.len() {
        if chars[at] == quote {
            if chars.get(at + 1) != Some(&quote) {
                return (body, at + 1);
            }
            at += 1;
        }
        body.push(chars[at]);
        at += 1;
    }
    (body, at)
}
