//! Ids that do not have the form of ids.

use crate::finding::Finding;
use crate::id::MAX_BYTES;
use crate::migration::Migration;

use super::{Check, Names, View, top};

pub struct IdForm;

const CODE: &str = "id-form";

impl Check for IdForm {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "New ids follow `[0-9a-z][0-9a-z_.-]*`. None is longer than 200 bytes, or holds control characters."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let names = view.input.names;
        let migrations = view.input.migrations.iter();
        migrations.filter_map(|migration| finding(migration, names)).collect()
    }
}

fn finding(migration: &Migration, names: Names) -> Option<Finding> {
    let id = migration.id.as_str();
    let finding = if id.len() > MAX_BYTES {
        Finding::error(CODE, format!("its id has {} bytes, and {MAX_BYTES} are the most", id.len()))
            .help("rename it, unless it is applied somewhere")
    } else if id.is_empty() || id.chars().any(char::is_control) {
        Finding::error(CODE, "its id is empty or holds control characters").help("rename it")
    } else if names == Names::Ours && !migration.id.is_canonical() {
        Finding::warning(CODE, "its id does not follow `[0-9a-z][0-9a-z_.-]*`")
            .help("switchback new makes ids that do; what is applied keeps its id")
    } else {
        return None;
    };
    Some(finding.of(&migration.id).at(top(&migration.up)))
}
