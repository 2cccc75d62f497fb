//! What made-up rows bring forth in a schema: a trigger may make a table or a sequence for each row.
//!
//! No script made these, and no down owes them anything, so they are left out wherever a chain is looked at. They are told by
//! looking right before and right behind rows that are put in, which is done where a trigger's code may make something.

use std::collections::BTreeSet;

use super::Chain;
use crate::fault::Result;
use crate::rows::Table;
use crate::snapshot::{Line, Snapshot};
use crate::sql::Flavor;
use crate::store;

/// What rows have brought forth.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// Triggers may make something for a row.
    may: bool,
    /// Keys of the groups that came with rows.
    keys: BTreeSet<String>,
    /// Kinds and names of their objects: a script may drop such and make them again.
    objects: BTreeSet<(String, String)>,
}

impl Made {
    /// The schema without it.
    pub fn without(&self, schema: Snapshot) -> Snapshot {
        if self.keys.is_empty() {
            return schema;
        }
        let is_made = |line: &Line| self.objects.contains(&(line.kind.clone(), line.object.clone()));
        let mut keys = schema.keys_where(is_made);
        keys.extend(self.keys.iter().cloned());
        schema.with(&keys, [])
    }

    /// Whether a table is part of it.
    pub fn holds(&self, table: &Table) -> bool {
        self.keys.contains(&table.group)
    }
}

impl Chain {
    /// Looks at what rows bring forth from now on, where triggers of this schema may make something.
    pub fn watch(&mut self, schema: &Snapshot) {
        self.made.may = self.made.may || self.engine.dialect().flavor == Flavor::Postgres && makes_for_rows(schema);
    }

    /// All that is there now; nothing where no trigger makes any of it.
    pub(super) async fn all_there(&mut self) -> Result<Snapshot> {
        if !self.made.may {
            return Ok(Snapshot::default());
        }
        let read = self.engine.snapshot(self.session.as_mut()).await;
        read.map_err(|error| store::own("reading the shadow's schema", &error))
    }

    /// Leaves out what is there now and was not before rows were put in.
    pub(super) fn leave_out(&mut self, before: &Snapshot, now: &Snapshot) {
        let there: BTreeSet<&str> = before.keys().collect();
        let came: BTreeSet<String> = now.keys().filter(|key| !there.contains(key)).map(str::to_owned).collect();
        let lines = now.lines_of(&came).map(|line| (line.kind.clone(), line.object.clone()));
        self.made.objects.extend(lines);
        self.made.keys.extend(came);
    }
}

/// Whether there is a trigger, and a trigger's function that makes something or runs text.
fn makes_for_rows(schema: &Snapshot) -> bool {
    let makes = |body: &str| {
        let body = body.to_lowercase();
        let code = body.split_once(" as ").map_or(body.as_str(), |(_, code)| code);
        body.contains("returns trigger") && ["execute", "create "].iter().any(|word| code.contains(word))
    };
    schema.may_have("trigger") && schema.of_kind("function").any(|line| line.property == "body" && makes(&line.value))
}
