//! Drift: what a database has otherwise than its ledger says, and what two schemas have otherwise than each other.
//!
//! What it should be is not kept anywhere: it is what the scripts of the ledger make of an empty database, so it is made, in a
//! shadow, and read back.

use std::collections::BTreeSet;

use crate::chain::Chain;
use crate::config::Drift as Scope;
use crate::context::Context;
use crate::event::Event;
use crate::fault::Result;
use crate::finding::{Finding, Severity};
use crate::migration::Migration;
use crate::shadow::Maker;
use crate::snapshot::{self, Change, Fate, Snapshot, Weight};

/// The schema that these migrations make of an empty database.
///
/// # Errors
/// When an up fails in the shadow, or none can be made.
pub async fn replayed(maker: &mut Maker, migrations: &[Migration], context: &Context) -> Result<Snapshot> {
    maker.look_at(migrations.iter().flat_map(Migration::scripts));
    let engine = maker.engine();
    let mut chain = Chain::new(maker, engine).await?;
    context.tell(Event::Begins { what: "replaying", total: migrations.len() });
    let read = match chain.advance(&migrations.iter().collect::<Vec<_>>()).await {
        Ok(()) => chain.snapshot().await,
        Err(fault) => Err(fault),
    };
    context.tell(Event::Ends);
    let closed = chain.close().await;
    let snapshot = read?;
    closed?;
    Ok(snapshot)
}

fn is_within(scope: &Scope, change: &Change) -> bool {
    let name = change.object.as_str();
    let is_of = |schema: &String| {
        let rest = name.strip_prefix(schema.as_str());
        // A comment and a grant name their object with its kind: `select on table public.users`.
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) || name.contains(&format!(" {schema}."))
    };
    scope.schemas.is_empty() || scope.schemas.iter().any(is_of)
}

/// What `found` has otherwise than `wanted`, a finding each: an error, or a note where it weighs little; and a note
/// for each rule that ignores nothing and each kind that could not be read. `applied` tells which migration wrote an object last.
pub fn findings(wanted: &Snapshot, found: &Snapshot, scope: &Scope, applied: &[Migration]) -> Vec<Finding> {
    let mut used = vec![false; scope.ignore.len()];
    let mut findings = Vec::new();
    for change in snapshot::diff(wanted, found).into_iter().filter(|change| is_within(scope, change)) {
        let title = change.title();
        let rule = scope.ignore.iter().position(|rule| wildmatch::WildMatch::new(rule).matches(&title));
        match rule {
            Some(at) => used[at] = true,
            None => findings.push(finding(change, applied)),
        }
    }
    let unread: BTreeSet<&str> = wanted.unread().chain(found.unread()).collect();
    findings.extend(
        unread.into_iter().map(|kind| {
            Finding::note("drift-unread", format!("no {kind} is compared: this account may not read them"))
        }),
    );
    let idle = scope.ignore.iter().zip(used).filter(|(_, used)| !used);
    findings.extend(
        idle.map(|(rule, _)| Finding::note("drift-rule-unused", format!("nothing differs that `{rule}` would ignore"))),
    );
    findings
}

fn finding(change: Change, applied: &[Migration]) -> Finding {
    let title = change.title();
    let (code, message) = match (change.fate, change.weight) {
        (_, Weight::Weak) => ("drift-layout", format!("{title} has another order, layout or generated name")),
        (Fate::Added, _) => ("drift-added", format!("{title} is there, and no migration made it")),
        (Fate::Removed, _) => ("drift-missing", format!("{title} is missing")),
        (Fate::Changed | Fate::Renamed, _) => ("drift-changed", format!("{title} is not as the migrations left it")),
    };
    let severity = if change.weight == Weight::Weak { Severity::Note } else { Severity::Error };
    let finding = Finding::new(code, severity, message).object(title);
    let finding = match writer(&change, applied) {
        Some(migration) => finding.of(&migration.id),
        None => finding,
    };
    finding.detail(change.lines)
}

/// The last migration whose up names the object, or the table that it belongs to.
fn writer<'a>(change: &Change, applied: &'a [Migration]) -> Option<&'a Migration> {
    if change.fate == Fate::Added {
        return None;
    }
    let mut parts = change.subject().rsplit('.').map(|part| part.trim_matches(['"', '`']).to_lowercase());
    let (name, owner) = (parts.next()?, parts.next());
    let names = |name: &str| applied.iter().rev().find(|migration| migration.up.names().contains(name));
    names(&name).or_else(|| names(owner.as_deref()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Line;

    fn schema(tables: &[&str]) -> Snapshot {
        let line = |name: &&str| Line {
            kind: "table".to_owned(),
            object: (*name).to_owned(),
            property: String::new(),
            value: String::new(),
        };
        Snapshot::new(tables.iter().map(line).collect())
    }

    #[test]
    fn rules_and_schemas_say_what_counts() {
        let (wanted, found) = (schema(&["public.a", "other.c"]), schema(&["public.tmp_1", "other.d"]));
        let codes = |scope: &Scope| -> Vec<String> {
            let findings = findings(&wanted, &found, scope, &[]);
            findings
                .iter()
                .map(|one| format!("{} {}", one.code, one.object.as_deref().unwrap_or(&one.message)))
                .collect()
        };
        let all = [
            "drift-missing table other.c",
            "drift-added table other.d",
            "drift-missing table public.a",
            "drift-added table public.tmp_1",
        ];
        let mut every = codes(&Scope::default());
        every.sort_by_key(|code| code.split(' ').next_back().map(str::to_owned));
        assert_eq!(every, all);
        let scope = Scope {
            schemas: vec!["public".to_owned()],
            ignore: vec!["table public.tmp_*".to_owned(), "view *".to_owned()],
        };
        let some = codes(&scope);
        assert_eq!(
            some,
            ["drift-missing table public.a", "drift-rule-unused nothing differs that `view *` would ignore"]
        );
    }
}
