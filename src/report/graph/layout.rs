//! Where everything stands in a drawing: layers from top to bottom, few crossings, long chains wrapped into rows like text.
//!
//! A layer holds only so many, so that a graph that is wide becomes a page and no strip. Edges from one migration share
//! their way down and part late: what many stand on has one trunk. Coordinates are whole pixels.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fmt::Write as _;

use super::{Edge, Picture, reduced};
use crate::graph::Edge as Kind;

pub const NODE_WIDTH: i32 = 212;
pub const NODE_HEIGHT: i32 = 42;
const GAP_X: i32 = 24;
const GAP_Y: i32 = 46;
const ROW_GAP: i32 = 26;
const TRUNK: i32 = 2;
pub const MARGIN: i32 = 34;
/// A chain of more than this is wrapped.
const LONG: usize = 12;
const SWEEPS: usize = 12;

/// Where everything stands.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pub width: i32,
    pub height: i32,
    /// The upper left corner of each node.
    pub places: Vec<(i32, i32)>,
    /// The layer and the row within it, of each node: what it stands on has a smaller pair or is further left in its row.
    pub layers: Vec<(usize, usize)>,
    pub paths: Vec<Path>,
    /// Numbers of nodes at the rows of wrapped chains: where, and which node begins there.
    pub rows: Vec<(i32, i32, usize)>,
}

/// All edges of one kind that leave one node.
#[derive(Clone, Debug)]
pub struct Path {
    pub from: usize,
    pub kind: Kind,
    /// As the `d` of an SVG path.
    pub d: String,
}

/// A migration or a wrapped chain of them.
struct Block {
    nodes: Vec<usize>,
    columns: usize,
}

impl Block {
    fn width(&self) -> i32 {
        int(self.columns) * (NODE_WIDTH + GAP_X) - GAP_X
    }

    fn height(&self) -> i32 {
        int(self.nodes.len().div_ceil(self.columns)) * (NODE_HEIGHT + ROW_GAP) - ROW_GAP
    }

    /// Corner of its nth node, from its own.
    fn corner(&self, nth: usize) -> (i32, i32) {
        (int(nth % self.columns) * (NODE_WIDTH + GAP_X), int(nth / self.columns) * (NODE_HEIGHT + ROW_GAP))
    }
}

/// What takes a place in a layer: a block, or a trunk that passes by.
struct Item {
    block: Option<usize>,
    width: i32,
    /// Where edges come in and go out, from its left.
    ports: (i32, i32),
    x: i32,
}

/// Items with the edges between neighbouring layers.
struct Net {
    items: Vec<Item>,
    layers: Vec<Vec<usize>>,
    up: Vec<Vec<usize>>,
    down: Vec<Vec<usize>>,
    /// From where, of which kind, from item to item.
    segments: Vec<(usize, Kind, usize, usize)>,
}

fn int(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX / 4096)
}

/// Lays a picture out.
pub fn layout(picture: &Picture) -> Layout {
    let keep = reduced(picture);
    let edges: Vec<Edge> = picture.edges.iter().zip(keep).filter(|(_, keep)| *keep).map(|(edge, _)| *edge).collect();
    let blocks = blocks(picture.nodes.len(), &edges);
    let mut block_of = vec![0; picture.nodes.len()];
    for (at, block) in blocks.iter().enumerate() {
        block.nodes.iter().for_each(|node| block_of[*node] = at);
    }
    let layer_of = layers(&blocks, &block_of, &edges);
    let mut net = net(&blocks, &block_of, &layer_of, &edges);
    order(&mut net);
    place(&mut net);
    drawn(picture.nodes.len(), &blocks, &block_of, &layer_of, &edges, &net)
}

/// Chains of more than a few become one block each.
fn blocks(count: usize, edges: &[Edge]) -> Vec<Block> {
    let (mut ins, mut outs) = (vec![0usize; count], vec![0usize; count]);
    let mut next = vec![None; count];
    for edge in edges {
        ins[edge.to] += 1;
        outs[edge.from] += 1;
        next[edge.from] = Some(edge.to);
    }
    let follows = |node: usize| next[node].filter(|to| outs[node] == 1 && ins[*to] == 1);
    let mut is_taken = vec![false; count];
    let mut blocks = Vec::new();
    for node in 0..count {
        if is_taken[node] {
            continue;
        }
        let chain: Vec<usize> = std::iter::successors(Some(node), |node| follows(*node)).collect();
        let nodes = if chain.len() > LONG { chain } else { vec![node] };
        nodes.iter().for_each(|node| is_taken[*node] = true);
        let columns = match nodes.len() {
            1 => 1,
            0..=30 => 5,
            31..=120 => 6,
            _ => 8,
        };
        blocks.push(Block { nodes, columns });
    }
    blocks
}

/// The layer of each block: below all that it stands on, and as high as there is room.
fn layers(blocks: &[Block], block_of: &[usize], edges: &[Edge]) -> Vec<usize> {
    let most = (1..).find(|side| side * side >= blocks.len()).unwrap_or(1).clamp(4, 10);
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); blocks.len()];
    let mut open = vec![0usize; blocks.len()];
    for (from, to) in edges.iter().map(|edge| (block_of[edge.from], block_of[edge.to])).filter(|(from, to)| from != to)
    {
        below[from].push(to);
        open[to] += 1;
    }
    let mut ready: BinaryHeap<Reverse<usize>> = (0..blocks.len()).filter(|at| open[*at] == 0).map(Reverse).collect();
    let mut layer = vec![0usize; blocks.len()];
    let mut room: Vec<usize> = Vec::new();
    let mut first_with_room = 0;
    while let Some(Reverse(at)) = ready.pop() {
        let takes = blocks[at].columns.min(most);
        let mut there = layer[at].max(first_with_room);
        while room.get(there).is_some_and(|room| *room < takes) {
            there += 1;
        }
        if there >= room.len() {
            room.resize(there + 1, most);
        }
        room[there] -= takes;
        while room.get(first_with_room) == Some(&0) {
            first_with_room += 1;
        }
        layer[at] = there;
        for to in &below[at] {
            layer[*to] = layer[*to].max(there + 1);
            open[*to] -= 1;
            if open[*to] == 0 {
                ready.push(Reverse(*to));
            }
        }
    }
    layer
}

fn net(blocks: &[Block], block_of: &[usize], layer_of: &[usize], edges: &[Edge]) -> Net {
    let count = layer_of.iter().max().map_or(0, |last| last + 1);
    let mut net = Net {
        items: Vec::new(),
        layers: vec![Vec::new(); count],
        up: Vec::new(),
        down: Vec::new(),
        segments: Vec::new(),
    };
    for (at, block) in blocks.iter().enumerate() {
        let out = block.corner(block.nodes.len() - 1).0 + NODE_WIDTH / 2;
        net.add(layer_of[at], Item { block: Some(at), width: block.width(), ports: (NODE_WIDTH / 2, out), x: 0 });
    }
    let mut trunks: BTreeMap<(usize, &str, usize), usize> = BTreeMap::new();
    for edge in edges {
        let (from, to) = (block_of[edge.from], block_of[edge.to]);
        if from == to {
            continue;
        }
        let mut above = from;
        for layer in layer_of[from] + 1..layer_of[to] {
            let key = (edge.from, super::kind_word(edge.kind), layer);
            above = match trunks.get(&key) {
                Some(trunk) => *trunk,
                None => {
                    let item = Item { block: None, width: TRUNK, ports: (TRUNK / 2, TRUNK / 2), x: 0 };
                    let trunk = net.add(layer, item);
                    trunks.insert(key, trunk);
                    net.link(edge, above, trunk);
                    trunk
                }
            };
        }
        net.link(edge, above, to);
    }
    net
}

impl Net {
    fn add(&mut self, layer: usize, item: Item) -> usize {
        self.items.push(item);
        self.up.push(Vec::new());
        self.down.push(Vec::new());
        self.layers[layer].push(self.items.len() - 1);
        self.items.len() - 1
    }

    fn link(&mut self, edge: &Edge, above: usize, below: usize) {
        self.down[above].push(below);
        self.up[below].push(above);
        self.segments.push((edge.from, edge.kind, above, below));
    }

    /// How far an item keeps from its right neighbour, measured from left to left.
    fn step(&self, item: usize, next: usize) -> i32 {
        let trunks = self.items[item].block.is_none() && self.items[next].block.is_none();
        self.items[item].width + if trunks { GAP_X / 3 } else { GAP_X }
    }
}

/// Sweeps down and up, each layer by the mean place of its neighbours; the order with the fewest crossings stays.
fn order(net: &mut Net) {
    let mut at = vec![0usize; net.items.len()];
    let number = |layers: &[Vec<usize>], at: &mut [usize]| {
        layers.iter().flat_map(|layer| layer.iter().enumerate()).for_each(|(place, item)| at[*item] = place);
    };
    number(&net.layers, &mut at);
    let mut best = (crossings(net, &at), net.layers.clone());
    for sweep in 0..SWEEPS {
        let is_down = sweep % 2 == 0;
        for step in 0..net.layers.len() {
            let layer = if is_down { step } else { net.layers.len() - 1 - step };
            let near = if is_down { &net.up } else { &net.down };
            let mean = |item: usize| {
                let near = &near[item];
                let sum: usize = near.iter().map(|item| at[*item]).sum();
                if near.is_empty() { at[item] * 1024 } else { sum * 1024 / near.len() }
            };
            let mut keyed: Vec<(usize, usize)> = net.layers[layer].iter().map(|item| (mean(*item), *item)).collect();
            keyed.sort_by_key(|(key, _)| *key);
            net.layers[layer] = keyed.into_iter().map(|(_, item)| item).collect();
            net.layers[layer].iter().enumerate().for_each(|(place, item)| at[*item] = place);
        }
        let crossings = crossings(net, &at);
        if crossings < best.0 {
            best = (crossings, net.layers.clone());
        }
    }
    net.layers = best.1;
}

/// How many segments cross.
fn crossings(net: &Net, at: &[usize]) -> usize {
    let mut total = 0;
    for (upper, lower) in net.layers.iter().zip(net.layers.iter().skip(1)) {
        // Ends below, in the order of the starts above; an earlier one that ends further right crosses.
        let mut seen = vec![0usize; lower.len() + 1];
        let mut count = 0;
        for item in upper {
            let mut ends: Vec<usize> = net.down[*item].iter().map(|below| at[*below]).collect();
            ends.sort_unstable();
            for end in &ends {
                let mut cursor = end + 1;
                let mut left = 0;
                while cursor > 0 {
                    left += seen[cursor];
                    cursor &= cursor - 1;
                }
                total += count - left;
            }
            for end in ends {
                count += 1;
                let mut cursor = end + 1;
                while cursor < seen.len() {
                    seen[cursor] += 1;
                    cursor += cursor & cursor.wrapping_neg();
                }
            }
        }
    }
    total
}

/// Gives every item its place across: near its neighbours, in order, and apart.
fn place(net: &mut Net) {
    for layer in 0..net.layers.len() {
        let mut x = 0;
        for nth in 0..net.layers[layer].len() {
            let item = net.layers[layer][nth];
            net.items[item].x = x;
            x += net.layers[layer].get(nth + 1).map_or(0, |next| net.step(item, *next));
        }
    }
    for pass in 0..SWEEPS {
        for step in 0..net.layers.len() {
            let layer = if pass % 2 == 0 { step } else { net.layers.len() - 1 - step };
            settle(net, layer);
        }
    }
    straighten(net);
    let left = net.items.iter().map(|item| item.x).min().unwrap_or(0);
    net.items.iter_mut().for_each(|item| item.x += MARGIN - left);
}

/// Lets each trunk go straight down as far as its neighbours leave it room: those that go right from the right on, so that they do not
/// stand in each other's way, and then those that go left from the left on.
fn straighten(net: &mut Net) {
    for layer in 1..net.layers.len() {
        let count = net.layers[layer].len();
        for nth in (0..count).rev().chain(0..count) {
            let item = net.layers[layer][nth];
            let ([above], None) = (net.up[item].as_slice(), net.items[item].block) else { continue };
            let wanted = net.items[*above].x + net.items[*above].ports.1 - net.items[item].ports.0;
            let left = nth.checked_sub(1).map(|left| net.layers[layer][left]);
            let least = left.map_or(i32::MIN, |left| net.items[left].x + net.step(left, item));
            let right = net.layers[layer].get(nth + 1);
            let most = right.map_or(i32::MAX, |right| net.items[*right].x - net.step(item, *right));
            if least <= most {
                net.items[item].x = wanted.clamp(least, most);
            }
        }
    }
}

/// Puts one layer as near to where it wants to be as its order allows: least squares, by pooling neighbours that would
/// overlap.
fn settle(net: &mut Net, layer: usize) {
    let items = net.layers[layer].clone();
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    let (mut offset, mut offsets) = (0, Vec::with_capacity(items.len()));
    for (nth, item) in items.iter().enumerate() {
        let own = &net.items[*item];
        let above = net.up[*item].iter().map(|up| (net.items[*up].x + net.items[*up].ports.1 - own.ports.0, *up));
        let below =
            net.down[*item].iter().map(|down| (net.items[*down].x + net.items[*down].ports.0 - own.ports.1, *down));
        let (mut sum, mut weight) = (0.0, 0.0);
        for (x, other) in above.chain(below) {
            let pull = if own.block.is_none() && net.items[other].block.is_none() { 6.0 } else { 1.0 };
            sum += pull * f64::from(x);
            weight += pull;
        }
        let wanted = if weight > 0.0 { sum / weight } else { f64::from(own.x) };
        let weight = if weight > 0.0 { weight } else { 0.05 };
        offsets.push(offset);
        let mut pool = (wanted - f64::from(offset), weight, 1);
        while let Some(last) = pools.last().copied().filter(|last| last.0 >= pool.0) {
            let weight = last.1 + pool.1;
            pool = ((last.0 * last.1 + pool.0 * pool.1) / weight, weight, last.2 + pool.2);
            pools.pop();
        }
        pools.push(pool);
        offset += items.get(nth + 1).map_or(0, |next| net.step(*item, *next));
    }
    let places = pools.iter().flat_map(|(x, _, count)| std::iter::repeat_n(*x, *count));
    for ((item, offset), x) in items.iter().zip(offsets).zip(places) {
        #[expect(clippy::cast_possible_truncation, reason = "a place on a page is far from the ends of i32")]
        let x = x.round() as i32;
        net.items[*item].x = x + offset;
    }
}

fn drawn(count: usize, blocks: &[Block], block_of: &[usize], layer_of: &[usize], edges: &[Edge], net: &Net) -> Layout {
    let mut tall = vec![NODE_HEIGHT; net.layers.len()];
    blocks.iter().enumerate().for_each(|(at, block)| tall[layer_of[at]] = tall[layer_of[at]].max(block.height()));
    let mut tops = Vec::with_capacity(tall.len());
    let mut y = MARGIN;
    for tall in &tall {
        tops.push(y);
        y += tall + GAP_Y;
    }
    let right = net.items.iter().map(|item| item.x + item.width).max().unwrap_or(0);
    let mut out = Layout { width: right + MARGIN, height: y - GAP_Y + MARGIN, ..Layout::default() };
    out.places = vec![(0, 0); count];
    out.layers = vec![(0, 0); count];
    for (at, block) in blocks.iter().enumerate() {
        let (x, y) = (net.items[at].x, tops[layer_of[at]]);
        for (nth, node) in block.nodes.iter().enumerate() {
            let (dx, dy) = block.corner(nth);
            out.places[*node] = (x + dx, y + dy);
            out.layers[*node] = (layer_of[at], nth / block.columns);
            if block.nodes.len() > 1 && nth % block.columns == 0 {
                out.rows.push((x - 6, y + dy + NODE_HEIGHT / 2, *node));
            }
        }
    }
    let mut pens: BTreeMap<(usize, &str), (Kind, Pen)> = BTreeMap::new();
    let mut pen = |from: usize, kind: Kind, draw: &mut dyn FnMut(&mut Pen)| {
        draw(&mut pens.entry((from, super::kind_word(kind))).or_insert((kind, Pen::default())).1);
    };
    for edge in edges.iter().filter(|edge| block_of[edge.from] == block_of[edge.to]) {
        pen(edge.from, edge.kind, &mut |pen| within(pen, out.places[edge.from], out.places[edge.to]));
    }
    let mut layer_at = vec![0; net.items.len()];
    net.layers.iter().enumerate().for_each(|(layer, items)| items.iter().for_each(|item| layer_at[*item] = layer));
    for (from, kind, above, below) in &net.segments {
        let bottom = tops[layer_at[*above]] + tall[layer_at[*above]];
        let start = net.items[*above]
            .block
            .map_or(tops[layer_at[*above]], |block| tops[layer_at[*above]] + blocks[block].height());
        let (x, to) =
            (net.items[*above].x + net.items[*above].ports.1, net.items[*below].x + net.items[*below].ports.0);
        let end = (to, tops[layer_at[*below]]);
        pen(*from, *kind, &mut |pen| between(pen, (x, start), bottom, end));
        if net.items[*below].block.is_some() {
            pen(*from, *kind, &mut |pen| pen.head(HEAD_DOWN));
        }
    }
    out.paths = pens.into_iter().map(|((from, _), (kind, pen))| Path { from, kind, d: pen.d }).collect();
    out
}

/// Writes a path, as short as it can be: relative, and without moving to where it stands.
#[derive(Default)]
struct Pen {
    d: String,
    at: Option<(i32, i32)>,
    /// How far down it has gone since, which is not written yet.
    fall: i32,
}

impl Pen {
    fn go(&mut self, to: (i32, i32)) {
        if self.at != Some(to) {
            self.fall();
            let _ = write!(self.d, "M{} {}", to.0, to.1);
            self.at = Some(to);
        }
    }

    /// A command with its numbers, which leads so far.
    fn draw(&mut self, command: char, numbers: &[i32], (dx, dy): (i32, i32)) {
        self.fall();
        self.d.push(command);
        for (at, number) in numbers.iter().enumerate() {
            let gap = if at > 0 && *number >= 0 { " " } else { "" };
            let _ = write!(self.d, "{gap}{number}");
        }
        self.at = self.at.map(|(x, y)| (x + dx, y + dy));
    }

    fn down(&mut self, dy: i32) {
        self.fall += dy;
        self.at = self.at.map(|(x, y)| (x, y + dy));
    }

    fn fall(&mut self) {
        if self.fall != 0 {
            let _ = write!(self.d, "v{}", self.fall);
            self.fall = 0;
        }
    }

    fn across(&mut self, dx: i32) {
        self.draw('h', &[dx], (dx, 0));
    }

    fn head(&mut self, head: &str) {
        self.fall();
        self.d.push_str(head);
        self.at = None;
    }
}

/// The head of an arrow that has come from above, and one from the left.
const HEAD_DOWN: &str = "m-4-6l4 6l4-6";
const HEAD_RIGHT: &str = "m-6-4l6 4l-6 4";

/// From one node of a wrapped chain to the next: straight on, or down to the next row.
fn within(pen: &mut Pen, from: (i32, i32), to: (i32, i32)) {
    if from.1 == to.1 {
        let start = from.0 + NODE_WIDTH;
        pen.go((start, from.1 + NODE_HEIGHT / 2));
        pen.across(to.0 - start);
        return pen.head(HEAD_RIGHT);
    }
    let (start, fall) = (from.1 + NODE_HEIGHT, ROW_GAP / 2 - 3);
    pen.go((from.0 + NODE_WIDTH / 2, start));
    pen.down(fall);
    pen.across(to.0 - from.0);
    pen.down(to.1 - start - fall);
    pen.head(HEAD_DOWN);
}

/// Down to the end of the layer, then in a curve to the next one.
fn between(pen: &mut Pen, (x, start): (i32, i32), bottom: i32, (to, y): (i32, i32)) {
    pen.go((x, start));
    if x == to {
        return pen.down(y - start);
    }
    pen.down(bottom - start);
    let (dx, dy) = (to - x, y - bottom);
    let bend = dy / 2;
    pen.draw('c', &[0, bend, dx, dy - bend, dx, dy], (dx, dy));
}
