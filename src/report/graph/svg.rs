//! A picture for browsers, by itself or within a page. No scripts and no fonts from elsewhere; colours follow the reader's
//! light or dark, and each thing that a colour says is said by a border, a mark or a word as well.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::layout::{MARGIN, NODE_HEIGHT, NODE_WIDTH, layout};
use super::{Node, Picture, State, kind_word};
use crate::report::clean;
use crate::report::escape::html as escaped;

/// Letters that fit a node's first line.
const FITS: usize = 24;
const FITS_SMALL: usize = 30;
/// Height of the legend.
const LEGEND: i32 = 30;

/// What its `style` element holds.
pub const STYLE: &str = include_str!("style.css");

/// A text that is cut in its middle: numbers stand at the start, and what tells two apart often at the end.
fn cut(text: &str, fits: usize) -> String {
    let text = clean(text);
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= fits {
        return text.into_owned();
    }
    let tail = fits / 3;
    let head: String = letters[..fits - tail - 1].iter().collect();
    format!("{head}…{}", letters[letters.len() - tail..].iter().collect::<String>())
}

/// The graph as a whole SVG document, without an XML declaration.
pub fn svg(picture: &Picture) -> String {
    drawing(picture, None)
}

/// The same within a page about a plan, in which the element `s3` is its third step: the migrations of `steps` lead to theirs, and
/// the keyboard stops at no other.
pub fn within(picture: &Picture, steps: &BTreeMap<&str, usize>) -> String {
    drawing(picture, Some(steps))
}

fn drawing(picture: &Picture, steps: Option<&BTreeMap<&str, usize>>) -> String {
    let layout = layout(picture);
    let width = layout.width.max(840);
    let height = layout.height + LEGEND;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"switchback-graph\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"{1}\" aria-label=\"{0}\"><title>{0}</title>\n<style>{STYLE}</style>\n<defs>\n",
        escaped(&picture.title),
        if steps.is_some() { "group" } else { "img" }
    );
    let _ = writeln!(out, "<rect id=\"sb-box\" width=\"{NODE_WIDTH}\" height=\"{NODE_HEIGHT}\" rx=\"6\"/>");
    for state in State::ALL {
        let _ = writeln!(
            out,
            "<g id=\"sb-{}\"><use href=\"#sb-box\"/><g stroke-dasharray=\"none\">{}</g></g>",
            state.word(),
            mark(state)
        );
    }
    let _ = writeln!(out, "</defs>\n<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>");
    legend(&mut out, picture);
    let _ = writeln!(out, "<g transform=\"translate({} {LEGEND})\">", (width - layout.width) / 2);
    for path in &layout.paths {
        let _ = writeln!(out, "<path class=\"edge {}\" d=\"{}\"/>", kind_word(path.kind), path.d);
    }
    for (x, y, node) in &layout.rows {
        let _ = writeln!(out, "<text class=\"row\" x=\"{x}\" y=\"{}\">{}</text>", y + 4, node + 1);
    }
    for (at, (node, (x, y))) in picture.nodes.iter().zip(&layout.places).enumerate() {
        let place = format!("transform=\"translate({x} {y})\"");
        let classes = format!("node {}", node.classes());
        let classes = classes.trim_end();
        let (open, close) = match steps.map(|steps| steps.get(node.id.as_str())) {
            None => (format!("<g id=\"n{}\" class=\"{classes}\" tabindex=\"0\" {place}>", at + 1), "</g>"),
            Some(None) => (format!("<g class=\"{classes}\" {place}>"), "</g>"),
            Some(Some(step)) => (format!("<a class=\"{classes}\" href=\"#s{step}\" {place}>"), "</a>"),
        };
        out.push_str(&open);
        drawn(&mut out, node);
        let _ = writeln!(out, "{close}");
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// What stands in a node's left edge for its state.
fn mark(state: State) -> &'static str {
    match state {
        State::Applied => "<path d=\"M9 21l5 6l8-12\"/>",
        State::Edited => "<path d=\"M8 24q4-8 8-3t8-3\"/>",
        State::Unknown => "<path d=\"M11 16q0-4 4-4t4 4q0 3-4 5v3m0 4v2\"/>",
        State::Pending => "<circle cx=\"15\" cy=\"21\" r=\"6\"/>",
        State::ToApply => "<path d=\"M15 30V13m-6 6l6-6l6 6\"/>",
        State::ToRevert => "<path d=\"M15 12v17m-6-6l6 6l6-6\"/>",
    }
}

/// A node's shape and text; what does not fit in stands in its title.
fn drawn(out: &mut String, node: &Node) {
    let lines = node.lines();
    let (shape, left, fits) = match node.state {
        Some(state) => (state.word(), 29, FITS),
        None => ("box", 10, FITS + 2),
    };
    let (name, small) = (cut(&node.id, fits), cut(&lines.join(" · "), FITS_SMALL));
    if name != clean(&node.id) || small != clean(&lines.join(" · ")) {
        let title: Vec<String> = std::iter::once(&node.id).chain(&lines).map(|line| escaped(line)).collect();
        let _ = write!(out, "<title>{}</title>", title.join("\n"));
    }
    let base = if lines.is_empty() { 25 } else { 18 };
    let _ = write!(out, "<use href=\"#sb-{shape}\"/><text x=\"{left}\" y=\"{base}\">{}</text>", escaped(&name));
    if !lines.is_empty() {
        let _ = write!(out, "<text x=\"{left}\" y=\"33\">{}</text>", escaped(&small));
    }
}

/// What kinds of edges there are, in words.
fn legend(out: &mut String, picture: &Picture) {
    let words = [("declared", "requires, declared"), ("observed", "requires, observed"), ("before", "only follows")];
    let mut x = MARGIN;
    let _ = write!(out, "<g class=\"legend\"><text x=\"{x}\" y=\"24\">{}</text>", escaped(&cut(&picture.title, 44)));
    x += 310;
    for (kind, said) in words.iter().filter(|(kind, _)| picture.edges.iter().any(|edge| kind_word(edge.kind) == *kind))
    {
        let _ = write!(out, "<path class=\"edge {kind}\" d=\"M{x} 20h26m-6-4l6 4l-6 4\"/>");
        let _ = write!(out, "<text x=\"{}\" y=\"24\">{said}</text>", x + 32);
        x += 160;
    }
    out.push_str("</g>\n");
}
