//! `switchback check`

use clap::Args;

use super::formats::Forms;
use super::{App, exit};
use crate::engine;
use crate::fault::Result;
use crate::finding::{Finding, Severity, worst};
use crate::project::Project;
use crate::report::Report;

/// Check the files against the registry and by themselves; needs no database
#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    pub forms: Forms,
}

pub fn run(app: &App, args: &Check) -> Result<u8> {
    args.forms.files()?;
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
    let is_bad = worst(&findings) == Some(Severity::Error);
    let report = Report { command: "check", server: None, migrations, cases: Vec::new(), findings, is_bad, millis: 0 };
    args.forms.tell(app, &report)?;
    Ok(if is_bad { exit::FINDINGS } else { exit::DONE })
}
