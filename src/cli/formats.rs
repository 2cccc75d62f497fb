//! The forms of what commands find: one for stdout, and files besides.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::{App, ui};
use crate::fault::{Fault, FaultKind, Result};
use crate::report::{FORMATS, Format, Report, duration};

/// Flags of the commands that report.
#[derive(Args, Clone, Debug)]
pub struct Forms {
    /// The form of what is found
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(FORMATS.iter().map(|format| format.name)), conflicts_with = "json")]
    format: Option<String>,
    /// Write it to a file as well, in another form (may be given more than once)
    #[arg(long, value_name = "FORMAT=FILE")]
    report: Vec<String>,
}

impl Forms {
    /// Whether stdout carries JSON.
    pub fn is_json(&self) -> bool {
        self.format.as_deref() == Some("json")
    }

    /// The files that are asked for, before anything is done.
    ///
    /// # Errors
    /// Usage, where a form is not known or no file is named.
    pub fn files(&self) -> Result<Vec<(&'static Format, &str)>> {
        let file = |text: &'_ str| -> Option<(&'static Format, usize)> {
            let (name, path) = text.split_once('=')?;
            let format = FORMATS.iter().find(|format| format.name == name).filter(|_| !path.is_empty())?;
            Some((format, name.len() + 1))
        };
        let read = |text: &'_ String| match file(text) {
            Some((format, from)) => Ok((format, from)),
            None => {
                let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
                let fault = Fault::usage(format!("`--report {text}` does not say what to write where"));
                Err(fault
                    .help(format!("such as `--report sarif=switchback.sarif`; the forms are {}", names.join(", "))))
            }
        };
        self.report.iter().map(|text| read(text).map(|(format, from)| (format, &text[from..]))).collect()
    }

    /// Says what was found, in each form.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn tell(&self, app: &App, report: &Report<'_>) -> Result<()> {
        for (format, path) in self.files()? {
            let text = anstream::adapter::strip_str(&(format.write)(report)).to_string();
            std::fs::write(path, text).map_err(|error| {
                Fault::new(FaultKind::Io, format!("the report cannot be written to {path}")).cause(error.to_string())
            })?;
        }
        let name = match (&self.format, app.voice) {
            (Some(name), _) => name.as_str(),
            (None, ui::Voice::Json) => "json",
            (None, ui::Voice::Human) => "human",
        };
        if let Some(format) = FORMATS.iter().find(|format| format.name == name) {
            ui::out(&(format.write)(report));
        }
        if app.voice == ui::Voice::Human {
            let on = report
                .server
                .map(|server| format!(" in {} on {} {}", duration(report.millis), server.engine, server.version));
            ui::talk(&format!("{}{}\n", report.counts(), on.unwrap_or_default()));
        }
        Ok(())
    }
}
