//! The schema, read back from the catalog: one statement made of one file per kind of object, so that all parts see one
//! state. A probe before it leaves out the kinds of which there is nothing.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::engine::{DbError, DbErrorKind, DbResult, Row, Said, Session};
use crate::snapshot::{Line, Snapshot};
use crate::sql::Flavor;
use crate::touch::Touch;

/// Relations and what belongs to one; each line with its relation. Read always.
const RELATIONS: &[&str] = &[
    include_str!("catalog/tables.sql"),
    include_str!("catalog/columns.sql"),
    include_str!("catalog/constraints.sql"),
    include_str!("catalog/indexes.sql"),
];

/// A part that is of use now and then only.
struct Rare {
    /// The probe's word that there is something to read.
    probe: &'static str,
    /// Kinds of lines that say so, too.
    kinds: &'static [&'static str],
    /// Words of scripts that may bring something.
    words: &'static [&'static str],
    text: &'static str,
}

/// The same, read where there may be something to read.
const RARE_RELATIONS: &[Rare] = &[
    Rare {
        probe: "comments",
        kinds: &["comment"],
        words: &["comment", "like", "including"],
        text: include_str!("catalog/comments.sql"),
    },
    Rare {
        probe: "grants",
        kinds: &["grant", "default privilege"],
        words: &["grant", "revoke", "owner"],
        text: include_str!("catalog/grants.sql"),
    },
    Rare { probe: "triggers", kinds: &["trigger"], words: &["trigger"], text: include_str!("catalog/triggers.sql") },
    Rare { probe: "rules", kinds: &["rule"], words: &["rule"], text: include_str!("catalog/rules.sql") },
    Rare { probe: "policies", kinds: &["policy"], words: &["policy"], text: include_str!("catalog/policies.sql") },
    Rare {
        probe: "sequences",
        kinds: &["sequence"],
        words: &["sequence", "serial", "bigserial", "smallserial", "serial2", "serial4", "serial8", "identity", "like"],
        text: include_str!("catalog/sequences.sql"),
    },
    Rare {
        probe: "statistics",
        kinds: &["statistics"],
        words: &["statistics", "like", "including"],
        text: include_str!("catalog/statistics.sql"),
    },
];

/// What is no relation and belongs to none. Read always.
const OTHERS: &[&str] = &[
    include_str!("catalog/database.sql"),
    include_str!("catalog/schemas.sql"),
    include_str!("catalog/extensions.sql"),
    include_str!("catalog/other_comments.sql"),
    include_str!("catalog/other_grants.sql"),
];

/// The same, read where the probe says that there is something to read.
const RARE_OTHERS: &[(&str, &str)] = &[
    ("functions", include_str!("catalog/functions.sql")),
    ("triggers", include_str!("catalog/event_triggers.sql")),
    ("types", include_str!("catalog/types.sql")),
    ("defaults", include_str!("catalog/defaults.sql")),
    ("foreign", include_str!("catalog/foreign.sql")),
    ("publications", include_str!("catalog/publications.sql")),
    ("operators", include_str!("catalog/operators.sql")),
    ("collations", include_str!("catalog/collations.sql")),
];

/// Catalogs that older servers do not have: from which major version on, with which part, and what to read.
const LATER: &[(u32, &str, &str)] = &[(15, "publications", include_str!("catalog/published_schemas.sql"))];

/// Settings that a reading changes are kept before it, and put back behind it.
const KEEP: Said<'_> = Said::Often(include_str!("catalog/keep.sql"));
const UNPIN: Said<'_> = Said::Often(include_str!("catalog/unpin.sql"));

/// Reads the whole schema; inside an open transaction or outside of one.
///
/// # Errors
/// What the server refuses, and an empty answer (I9).
pub async fn read(session: &mut dyn Session) -> DbResult<Snapshot> {
    let major: u32 = session.server().major.parse().unwrap_or(0);
    let found = session.batch(include_str!("catalog/probe.sql")).await?;
    let is_there = |part: &str| found.iter().any(|row| row.iter().flatten().any(|name| name == part));
    let rare = |parts: &[(&str, &'static str)]| -> Vec<&'static str> {
        parts.iter().filter(|(part, _)| is_there(part)).map(|(_, text)| *text).collect()
    };
    let later = LATER.iter().filter(|(since, part, _)| major >= *since && is_there(part)).map(|(_, _, text)| *text);
    let others = OTHERS.iter().copied().chain(rare(RARE_OTHERS)).chain(later);
    let others = others.collect::<Vec<_>>().join("UNION ALL\n");
    let others = include_str!("catalog/others.sql").replace("{others}", &others);
    let relations = RARE_RELATIONS.iter().filter(|part| is_there(part.probe)).map(|part| part.text);
    let relations = RELATIONS.iter().copied().chain(relations);
    let parts: Vec<&str> = relations.chain([others.as_str()]).collect();
    let query = [include_str!("catalog/with.sql"), &parts.join("UNION ALL\n")].concat();
    let pin = Said::Often(include_str!("catalog/pin.sql"));
    let rows = session.say(&[KEEP, pin, Said::Often(&query), UNPIN]).await?;
    let lines: Vec<(String, Line)> = told(rows)?.into_iter().flat_map(Told::lines).collect();
    if lines.is_empty() {
        return Err(DbError::new(DbErrorKind::Statement, "the catalog gave no schema at all"));
    }
    Ok(Snapshot::default().with(&BTreeSet::new(), lines))
}

/// A row: relation, kind, object, and a JSON array in which each property is followed by its value; one without a value is
/// no line. A row without a kind is a mark.
struct Told {
    key: String,
    kind: String,
    object: String,
    properties: Vec<Option<String>>,
}

impl Told {
    fn read(row: Row) -> DbResult<Told> {
        let odd = || DbError::new(DbErrorKind::Statement, "the catalog's rows came back in another shape");
        let [key, kind, object, properties] =
            <[Option<String>; 4]>::try_from(row).map_err(|_| odd())?.map(Option::unwrap_or_default);
        let properties = if kind.is_empty() { Ok(Vec::new()) } else { serde_json::from_str(&properties) };
        Ok(Told { key, kind, object, properties: properties.map_err(|_| odd())? })
    }

    fn lines(self) -> impl Iterator<Item = (String, Line)> {
        let Told { key, kind, object, properties } = self;
        let mut pairs = properties.into_iter();
        std::iter::from_fn(move || {
            loop {
                let (property, value) = (pairs.next()?, pairs.next()?);
                if let (Some(property), Some(value)) = (property, value) {
                    return Some((key.clone(), Line { kind: kind.clone(), object: object.clone(), property, value }));
                }
            }
        })
    }
}

/// Rows of the catalog; what pins and unpins settings gives others.
fn told(rows: Vec<Row>) -> DbResult<Vec<Told>> {
    rows.into_iter().filter(|row| row.len() > 1).map(Told::read).collect()
}

/// What the server has counted of rows written to its catalogs in this transaction.
const COUNTS: &str = include_str!("catalog/counts.sql");

/// Whether nothing was written since the mark.
static WRITTEN: LazyLock<String> = LazyLock::new(|| include_str!("catalog/written.sql").replace("{counts}", COUNTS));

/// Reads the relations that a script of these words can have touched, and what may belong to them. Code that no text of ours
/// tells of can bring anything.
fn touched(before: &Snapshot, words: &BTreeSet<String>) -> String {
    let has_code = ["function", "procedure"].iter().any(|kind| before.may_have(kind));
    let may_be = |part: &&Rare| {
        has_code
            || part.kinds.iter().any(|kind| before.may_have(kind))
            || part.words.iter().any(|word| words.contains(*word))
    };
    let rare = RARE_RELATIONS.iter().filter(may_be).map(|part| part.text);
    let marks = include_str!("catalog/touched_marks.sql").replace("{counts}", COUNTS);
    let parts: Vec<&str> = RELATIONS.iter().copied().chain(rare).chain([marks.as_str()]).collect();
    [include_str!("catalog/touched.sql"), &parts.join("UNION ALL\n")].concat()
}

/// Kinds of objects that a change of relations can reach without naming or locking them; where there are any, all is read.
const FAR: &[&str] = &["publication", "subscription", "event trigger"];

/// The whole schema, sharing with the one before what is the same.
async fn whole(session: &mut dyn Session, before: &Snapshot) -> DbResult<Snapshot> {
    Ok(before.shared(read(session).await?))
}

/// Reads again what a script can have touched, in its own transaction, which has begun with the mark. The server's own
/// counts tell whether rows of the catalogs were written that nobody would have expected; then all is read.
///
/// # Errors
/// As [`read`].
pub async fn read_again(session: &mut dyn Session, before: &Snapshot, touch: &Touch) -> DbResult<Snapshot> {
    let names = match touch {
        Touch::Anything => return whole(session, before).await,
        Touch::Rows => {
            let written = session.say(&[Said::Often(&WRITTEN)]).await?;
            let is_same = written.iter().flatten().flatten().eq(["t"]);
            return if is_same { Ok(before.clone()) } else { whole(session, before).await };
        }
        Touch::Relations { names, .. } if !FAR.iter().any(|kind| before.may_have(kind)) => names,
        Touch::Relations { .. } => return whole(session, before).await,
    };
    let query = touched(before, names);
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.contains('\n')).collect();
    let names = Flavor::Postgres.literal(&names.join("\n"));
    let begin = include_str!("catalog/touched_begin.sql").replace("{names}", &names);
    let pin = Said::Often(include_str!("catalog/pin_touched.sql"));
    let end = Said::Once(include_str!("catalog/touched_end.sql"));
    let rows = session.say(&[Said::Once(&begin), pin, Said::Often(&query), end]).await?;
    let (marks, rows): (Vec<Told>, Vec<Told>) = told(rows)?.into_iter().partition(|row| row.kind.is_empty());
    // Besides the relations that were read again there is one mark, which says that nothing else was written.
    if !marks.iter().any(|mark| mark.key.is_empty()) {
        return whole(session, before).await;
    }
    let again = marks.into_iter().map(|mark| mark.key).filter(|key| !key.is_empty()).collect();
    Ok(before.with(&again, rows.into_iter().flat_map(Told::lines)))
}
