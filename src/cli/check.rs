//! `switchback check`

use clap::Args;
use serde_json::json;

use super::{App, exit, ui};
use crate::engine;
use crate::fault::Result;
use crate::finding::{Finding, Severity, worst};
use crate::project::Project;
use crate::report::{count, human, json};

/// Check the files against the registry and by themselves; needs no database
#[derive(Args)]
pub struct Check {}

pub fn run(app: &App, _args: &Check) -> Result<u8> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut migrations = 0;
    for name in app.engines()? {
        let Some(engine) = engine::by_scheme(name) else { continue };
        let project = Project::load(&app.files(), name, engine.dialect().flavor)?;
        migrations = migrations.max(project.migrations.len());
        for finding in project.check() {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    let bad = worst(&findings) == Some(Severity::Error);
    match app.voice {
        ui::Voice::Json => {
            let list: Vec<_> = findings.iter().map(json::finding).collect();
            let fields = json!({"migrations": migrations, "findings": list});
            ui::out(&format!(
                "{}\n",
                json::command("check", if findings.is_empty() { "ok" } else { "findings" }, fields)
            ));
        }
        ui::Voice::Human => {
            findings.iter().for_each(|finding| ui::out(&human::finding(finding)));
            let of = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
            let noun = |severity: Severity| count(u64::try_from(of(severity)).unwrap_or(u64::MAX), severity.word());
            let all = count(u64::try_from(migrations).unwrap_or(u64::MAX), "migration");
            ui::talk(&format!("{all}: {}, {}\n", noun(Severity::Error), noun(Severity::Warning)));
        }
    }
    Ok(if bad { exit::FINDINGS } else { exit::DONE })
}
