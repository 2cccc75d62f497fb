//! A runbook in Markdown: what has to be there, the commands in their order with what they print, the checks, and what to do when a
//! step fails. `…` in an output stands for what only the run can tell.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Demand, Sheet, costs};
use crate::plan::Direction;
use crate::report::duration;
use crate::report::escape::{code, fenced, markdown, shell};
use crate::saved::Step;

/// The runbook.
pub fn runbook(sheet: &Sheet<'_>) -> String {
    let mut out = String::new();
    head(&mut out, sheet);
    before(&mut out, sheet);
    run(&mut out, sheet);
    after(&mut out, sheet);
    failing(&mut out, sheet);
    back(&mut out, sheet);
    scripts(&mut out, sheet);
    out
}

fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Commands with what they print.
fn console(out: &mut String, commands: &[(String, Vec<String>)]) {
    let lines = commands
        .iter()
        .flat_map(|(command, output)| std::iter::once(format!("$ {command}")).chain(output.iter().cloned()));
    let text: String = lines.map(|line| line + "\n").collect();
    let _ = write!(out, "\n{}\n", fenced("console", &text));
}

fn head(out: &mut String, sheet: &Sheet<'_>) {
    let plan = sheet.plan;
    let _ = writeln!(out, "# Runbook: {} on {}\n", code(&plan.asked), code(&plan.database.shown));
    if let Some(reason) = &plan.reason {
        let _ = writeln!(out, "{}\n", markdown(reason));
    }
    let lost = sheet.lost().map_or_else(|| "nothing is lost".to_owned(), |lost| format!("**{lost} are lost**"));
    let _ = writeln!(out, "- {}; {lost}", sheet.steps());
    let verdicts = sheet.verdicts().into_iter().map(|(verdict, number)| format!("{number} {}", markdown(verdict)));
    let _ = writeln!(out, "- ways back: {}", verdicts.collect::<Vec<_>>().join(", "));
    if let Some((step, hold)) = sheet.longest_hold() {
        let _ = writeln!(out, "- longest lock: {}, {} (step {step})", duration(hold.millis), markdown(&hold.lock));
    }
    match sheet.rehearsed() {
        Some(time) => {
            let _ = writeln!(out, "- rehearsed in a shadow in {time}");
        }
        None => out.push_str("- not rehearsed\n"),
    }
    let _ = writeln!(
        out,
        "- made {} by {} with {}",
        time(plan.made),
        markdown(&format!("{}@{}", plan.by, plan.host)),
        markdown(&plan.tool)
    );
    for (id, why) in &plan.stays {
        let _ = writeln!(out, "- {} stays: {}", code(id.as_str()), markdown(why));
    }
    for finding in &plan.notes {
        let _ = writeln!(out, "- {}: {}", finding.severity.word(), markdown(&finding.message));
    }
}

fn before(out: &mut String, sheet: &Sheet<'_>) {
    let plan = sheet.plan;
    out.push_str("\n## 1. Before\n\n");
    let commit = plan.git_commit.as_ref().map(|commit| format!(", at commit {}", code(commit))).unwrap_or_default();
    let _ = writeln!(out, "- [ ] You stand in the project's folder{commit}, with {}.", code(&plan.tool));
    let database = &plan.database;
    let how = match &database.name {
        Some(name) => format!("{} of `switchback.toml`", code(name)),
        None => "the one that `DATABASE_URL` or `switchback.toml` leads to".to_owned(),
    };
    let _ = writeln!(
        out,
        "- [ ] The database is {how}: {} ({} {}).",
        code(&database.shown),
        markdown(&database.engine),
        markdown(&database.version)
    );
    match sheet.file {
        Some(file) => {
            let _ = writeln!(out, "- [ ] The plan is {}, with the digest {}.", code(file), code(plan.digest.as_str()));
            let _ = writeln!(out, "- [ ] It is not later than {}; the plan is not run after that.", time(plan.expires));
        }
        None => out.push_str(
            "- [ ] Nobody has changed the database since: this plan was not saved, and is made anew when it runs.\n",
        ),
    }
    for Demand { who, what, with } in sheet.demands() {
        let with = with.map(|with| format!(": {}", code(&with))).unwrap_or_default();
        let mut who: Vec<char> = who.chars().collect();
        who.iter_mut().take(1).for_each(|letter| *letter = letter.to_ascii_uppercase());
        let _ = writeln!(out, "- [ ] {} {}{with}.", String::from_iter(who), markdown(&what));
    }
    let applied = format!("{} applied, …", plan.base.applied);
    let mut commands = vec![
        ("switchback --version".to_owned(), vec![plan.tool.clone()]),
        (sheet.command("status"), vec!["…".to_owned(), applied]),
    ];
    if sheet.unproven().next().is_some() {
        commands.push((sheet.command("verify"), vec!["…".to_owned()]));
    }
    console(out, &commands);
}

fn run(out: &mut String, sheet: &Sheet<'_>) {
    let plan = sheet.plan;
    out.push_str("## 2. Run\n\nLook at it once more:\n");
    let steps = plan.steps.iter().map(|step| format!("{:<4} {} …", step.direction.word(), step.id));
    let look = match sheet.file {
        Some(file) => {
            let head = [format!("plan {}", plan.digest), "…".to_owned()];
            let steps = steps.flat_map(|line| [line, "…".to_owned()]);
            (format!("switchback plan show {}", shell(file)), head.into_iter().chain(steps).collect())
        }
        None => (sheet.command(&format!("plan {}", plan.asked)), steps.collect()),
    };
    console(out, &[look]);
    out.push_str("Run it:\n");
    let done = plan.steps.iter().map(|step| match step.direction {
        Direction::Up => format!("applied  {} (…)", step.id),
        Direction::Down => format!("reverted {} (…)", step.id),
    });
    console(out, &[(sheet.run_unasked(), done.collect())]);
    out.push_str("| step | what | why | verdict | is lost | longest lock in the rehearsal | time there |\n");
    out.push_str("|---|---|---|---|---|---|---|\n");
    for (at, step) in plan.steps.iter().enumerate() {
        let lost: Vec<String> = step.drops.iter().map(|drop| markdown(&drop.to_string())).collect();
        let hold = step.hold.as_ref().map(|hold| format!("{}, {}", duration(hold.millis), markdown(&hold.lock)));
        let _ = writeln!(
            out,
            "| {} | {} {} | {} | {} | {} | {} | {} |",
            at + 1,
            step.direction,
            markdown(step.id.as_str()),
            markdown(&step.why),
            markdown(&step.verdict),
            if lost.is_empty() { "nothing".to_owned() } else { lost.join("; ") },
            hold.unwrap_or_else(|| "none".to_owned()),
            step.rehearsed_ms.map_or_else(|| "unknown".to_owned(), duration)
        );
    }
}

fn after(out: &mut String, sheet: &Sheet<'_>) {
    out.push_str("\n## 3. Check\n");
    let status = vec!["…".to_owned(), format!("{} applied, …", sheet.applied_afterwards())];
    let commands = [
        (sheet.command("status"), status),
        (sheet.command("drift"), vec!["… 0 errors, …".to_owned()]),
        (
            sheet.command("log --verify"),
            vec!["… rows, the chain holds; … scripts, each as it was; head …".to_owned(), "…".to_owned()],
        ),
    ];
    console(out, &commands);
    if let Some((steps, are_many)) = numbers(sheet.plan.steps.iter().map(|step| step.verified)) {
        let have = if are_many { "have" } else { "has" };
        let _ = writeln!(
            out,
            "- [ ] {steps} {have} run its `verify.sql` in the step itself: had that failed, the step had."
        );
    }
    out.push_str("- [ ] `status` says of each step's migration what the step has made of it.\n");
    out.push_str("- [ ] The ledger's head is kept outside of the database.\n");
    out.push_str("- [ ] The application works.\n");
}

/// `Step 1` or `Steps 1–3, 5 and 8`, and whether they are many; `None` where there is none.
fn numbers(are: impl Iterator<Item = bool>) -> Option<(String, bool)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for number in are.enumerate().filter(|(_, is)| *is).map(|(at, _)| at + 1) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let shown =
        |(first, last): &(usize, usize)| if first == last { first.to_string() } else { format!("{first}–{last}") };
    let shown: Vec<String> = runs.iter().map(shown).collect();
    match (shown.split_last()?, runs.as_slice()) {
        ((one, []), [(first, last)]) if first == last => Some((format!("Step {one}"), false)),
        ((run, []), _) => Some((format!("Steps {run}"), true)),
        ((last, others), _) => Some((format!("Steps {} and {last}", others.join(", ")), true)),
    }
}

fn failing(out: &mut String, sheet: &Sheet<'_>) {
    let steps = &sheet.plan.steps;
    out.push_str("\n## 4. When a step fails\n\n");
    out.push_str(
        "| exit | is |\n|---|---|\n| 0 | done |\n| 1 | refused, or the first step failed: nothing has changed |\n",
    );
    out.push_str("| 2 | called in a wrong way: nothing was run |\n| 3 | the database cannot be reached |\n");
    out.push_str("| 4 | half-way: something was done, and the rest was not |\n");
    out.push_str("| 5 | somebody else is at work or was quicker: nothing was run |\n\n");
    match numbers(steps.iter().map(|step| !step.journalled)) {
        Some((one, false)) => {
            let _ = writeln!(
                out,
                "- {one} is one transaction with its row in the ledger: if it fails, nothing of it is left."
            );
        }
        Some((many, true)) => {
            let _ = writeln!(
                out,
                "- {many} are each one transaction with its row in the ledger: of the one that fails nothing is left, and those before it \
                 stand."
            );
        }
        None => {}
    }
    let ids: BTreeSet<&str> = steps.iter().map(|step| step.id.as_str()).collect();
    if sheet.picture.nodes.iter().any(|node| node.group.is_some() && ids.contains(node.id.as_str())) {
        out.push_str("- Of a group, such steps are one transaction together: if one fails, none of them stands.\n");
    }
    if let Some((journalled, are_many)) = numbers(steps.iter().map(|step| step.journalled)) {
        let (are, each) = if are_many { ("are", "of the one that fails, ") } else { ("is", "if it fails, ") };
        let _ = writeln!(
            out,
            "- {journalled} {are} no transaction: {each}the statements before the failing one have taken effect, and a journal tells which. \
             `switchback status` names the step, how many statements are known to have taken effect, and the command that goes on behind \
             them. Where a statement leaves no trace, look whether it ran, and add `--in-doubt rerun` or `--in-doubt skip`."
        );
    }
    out.push_str("- The message names the file, the line and what the database said. Nothing else is tried.\n");
    if sheet.file.is_some() {
        out.push_str("- This plan is not run again from another state: make it anew from where the database stands.\n");
    }
    let mut commands = vec![(sheet.command("status"), vec!["…".to_owned()])];
    commands.push((sheet.command(&format!("plan {}", sheet.plan.asked)), vec!["…".to_owned()]));
    console(out, &commands);
    if sheet.plan.asked.contains("--steps") {
        out.push_str("`--steps` counts from where the database stands then: take the steps that are done off it.\n\n");
    }
}

fn back(out: &mut String, sheet: &Sheet<'_>) {
    out.push_str("## 5. Back to where it was\n\n");
    let ask = match sheet.plan.base.applied {
        0 => "plan down --all".to_owned(),
        _ => format!("plan down --to-time {}", sheet.plan.made.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
    };
    out.push_str("This leads back to the migrations that were applied when this was made, from the end and from any step before it:\n");
    let look = format!("{ask} -o back.json");
    console(
        out,
        &[(sheet.command(&look), vec!["…".to_owned()]), (sheet.command("apply back.json --yes"), vec!["…".to_owned()])],
    );
    match sheet.lost() {
        Some(lost) => {
            let _ = writeln!(out, "{lost} do not come back that way: they are in the backup alone.");
        }
        None => {
            out.push_str("It says what rows that came since would be lost, and then wants `--accept-loss` for them.\n")
        }
    }
    if let Some((stuck, are_many)) = numbers(sheet.plan.steps.iter().map(|step| step.verdict == "irreversible")) {
        let have = if are_many { "have" } else { "has" };
        let _ = writeln!(out, "\n{stuck} {have} no way back: from behind it, only the backup leads back.");
    }
}

fn scripts(out: &mut String, sheet: &Sheet<'_>) {
    out.push_str("\n## The scripts\n");
    for (at, step) in sheet.plan.steps.iter().enumerate() {
        script(out, at + 1, step);
    }
}

fn script(out: &mut String, number: usize, step: &Step) {
    let _ = writeln!(out, "\n### Step {number}: {} {}\n", step.direction, markdown(step.id.as_str()));
    let lines = costs(step);
    for line in &lines {
        let _ = writeln!(out, "- {}", markdown(line));
    }
    if !lines.is_empty() {
        out.push('\n');
    }
    match step.sql.trim_end() {
        "" => out.push_str("It has no statement.\n"),
        sql => {
            let of = if step.path.is_empty() { String::new() } else { format!("{}:\n\n", code(&step.path)) };
            let _ = write!(out, "{of}{}", fenced("sql", sql));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_in_runs() {
        let told = |text: &str| numbers(text.chars().map(|ch| ch == 'x')).map(|(told, _)| told).unwrap_or_default();
        assert_eq!(told("-x-"), "Step 2");
        assert_eq!(told("xxx"), "Steps 1–3");
        assert_eq!(told("xx-x-xx"), "Steps 1–2, 4 and 6–7");
        assert_eq!(told("--"), "");
    }
}
