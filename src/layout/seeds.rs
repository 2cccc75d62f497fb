//! The project's folder of seeds: rows for the shadow, for migrations that have no `seed.sql` beside their scripts.
//!
//! `seed/ID.sql` is for the migration of that id, or of which it is a part that no other has; `seed/ID.postgres.sql` stands in
//! for it on that engine. So the folders of other tools, which have no place for a `seed.sql`, get one.

use std::collections::BTreeMap;

use super::{ENGINES, File, Loaded, Tree, names};
use crate::finding::Finding;
use crate::id;
use crate::migration::Migration;
use crate::sql::{Flavor, Script};

/// How particular a file is to an engine; the lowest wins.
type Rank = usize;

/// Gives the migrations the seeds of the project's folder; what a file does not say clearly is found.
pub fn plant(loaded: &mut Loaded, seeds: &Tree, engine: &str, flavor: Flavor) {
    let mut findings = seeds.findings().to_vec();
    let mut planted: BTreeMap<usize, (Rank, &File)> = BTreeMap::new();
    for file in seeds.files().iter().filter(|file| names::is_sql(&file.name)) {
        let stem = names::stem(&file.name);
        let is_id = loaded.migrations.iter().any(|migration| migration.id.as_str() == stem);
        let (part, rank) = match stem.rsplit_once('.').filter(|(_, ending)| !is_id && ENGINES.contains(ending)) {
            None => (stem, 2),
            Some((part, ending)) if ending == engine => (part, 0),
            Some((part, "mysql")) if engine == "mariadb" => (part, 1),
            Some(_) => continue,
        };
        let at = match place_of(&loaded.migrations, part) {
            Ok(at) => at,
            Err(finding) => {
                findings.push(finding.at(file.place()));
                continue;
            }
        };
        let migration = &loaded.migrations[at];
        if let Some(own) = &migration.seed {
            findings.push(double(file, migration, own.path()));
            continue;
        }
        match planted.get(&at).copied() {
            Some((other, first)) if other == rank => findings.push(double(file, migration, &first.path)),
            Some((other, _)) if other < rank => {}
            _ => drop(planted.insert(at, (rank, file))),
        }
    }
    findings.extend(seeds.folders().iter().filter_map(in_folder));
    for (at, (_, file)) in planted {
        let script = file.bytes().map(|bytes| Script::parse(&file.path, 1, bytes, flavor));
        loaded.migrations[at].seed = script;
    }
    loaded.findings.extend(findings);
    loaded.findings.sort_by(|a, b| a.place.cmp(&b.place));
}

/// The migration that a file's name means.
fn place_of(migrations: &[Migration], part: &str) -> Result<usize, Box<Finding>> {
    let found = id::find(migrations.iter().map(|migration| &migration.id), part);
    let unknown = |fault: crate::fault::Fault| {
        let message = format!("the rows of this seed are put nowhere: {fault}");
        let mut finding = Finding::warning("seed-unknown", message).detail(fault.parts().causes.clone());
        finding.help = fault.parts().help.clone();
        Box::new(finding)
    };
    let found = found.map_err(unknown)?;
    Ok(migrations.iter().position(|migration| migration.id == *found).unwrap_or_default())
}

fn double(file: &File, migration: &Migration, first: &str) -> Finding {
    let message = format!("`{}` has rows from `{first}` already, so these are not put in", migration.id);
    let help = "put all rows for a migration into one file";
    Finding::warning("seed-double", message).of(&migration.id).at(file.place()).help(help)
}

/// A folder of SQL in the folder of seeds, which nobody reads.
fn in_folder(folder: &super::Folder) -> Option<Finding> {
    let file = folder.files.iter().find(|file| names::is_sql(&file.name))?;
    let message = "the rows of this seed are put nowhere: seeds stand in their folder as files";
    Some(Finding::warning("seed-unknown", message).at(file.place()).help("move it up, and name it after its migration"))
}
