//! `switchback graph`

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::picture::{edges, of_database};
use super::{App, ask, exit, ui};
use crate::engine;
use crate::fault::{Fault, FaultKind, Result};
use crate::project::Project;
use crate::report::graph::{self, DRAWINGS, Node, Picture};
use crate::report::json;

/// Draw what stands on what, with how each migration stands in the database
#[derive(Args)]
pub struct GraphArgs {
    /// The form of the drawing
    #[arg(long, value_name = "NAME", default_value = DRAWINGS[0].name, value_parser = PossibleValuesParser::new(DRAWINGS.iter().map(|drawing| drawing.name)), conflicts_with = "json")]
    format: String,
    /// Write it to a file
    #[arg(long, short = 'o', value_name = "FILE", conflicts_with = "json")]
    output: Option<String>,
    /// The files alone; no database is asked
    #[arg(long)]
    offline: bool,
    /// What a saved plan would do; no database is asked
    #[arg(long, value_name = "FILE", conflicts_with = "offline")]
    plan: Option<PathBuf>,
}

pub async fn run(app: &App, args: &GraphArgs) -> Result<u8> {
    let picture = if let Some(file) = &args.plan {
        of_saved(file)?
    } else if args.offline || !app.config.names_database(app.common.database.as_deref(), &super::env) {
        of_files(app)?
    } else {
        let (mut database, project, state) = app.look(Project::load).await?;
        project.require_readable()?;
        let picture = of_database(&mut database, &project, &state, Some(&project.graph()?)).await?;
        database.close().await;
        picture
    };
    if app.voice == ui::Voice::Json {
        ui::out(&format!("{}\n", json::command("graph", "ok", graph::json::fields(&picture))));
        return Ok(exit::DONE);
    }
    let Some(drawing) = DRAWINGS.iter().find(|drawing| drawing.name == args.format) else {
        return Err(Fault::bug("a form that the command line took is not there"));
    };
    let text = (drawing.write)(&picture);
    match &args.output {
        None => ui::out(&text),
        Some(path) => std::fs::write(path, anstream::adapter::strip_str(&text).to_string()).map_err(|error| {
            Fault::new(FaultKind::Io, format!("the drawing cannot be written to {path}")).cause(error.to_string())
        })?,
    }
    Ok(exit::DONE)
}

/// The files alone, as the first engine that is known would run them.
fn of_files(app: &App) -> Result<Picture> {
    let engine = app.engines()?.into_iter().find_map(|name| Some((name, engine::by_scheme(name)?)));
    let Some((name, engine)) = engine else { return Err(Fault::bug("an engine is named and not there")) };
    let project = Project::load(&app.files(), name, engine.dialect().flavor)?;
    project.require_readable()?;
    let graph = project.graph()?;
    let nodes = project.ordered(&graph).into_iter().map(|one| Node {
        id: one.id.as_str().to_owned(),
        group: one.settings.group.clone(),
        ..Node::default()
    });
    let nodes = nodes.collect();
    Ok(Picture { title: format!("migrations for {name}"), nodes, edges: edges(&graph) })
}

/// What a saved plan keeps.
fn of_saved(file: &Path) -> Result<Picture> {
    let what = || Fault::usage(format!("the plan `{}` holds no graph", file.display()));
    ask::read(file)?.graph.ok_or_else(|| what().help("it is of an older switchback: make it anew"))
}
