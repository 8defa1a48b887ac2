//! A sequence diagram as SVG, in the colours of stateright's Explorer.
//!
//! Labels can't overlap: each row has one at most, the names of the parties have rows of their own, and no label is longer
//! than the room that it has.

use std::fmt::Write;

use super::{Diagram, Mark, Row, shorten};

/// Pixels between two lines of life.
const SPACING: usize = 150;
/// Pixels from the left edge to the first one: step numbers and the bar of cuts are there.
const MARGIN: usize = 70;
/// Pixels from one row to the next.
const HEIGHT: usize = 30;
/// Pixels above the first row: the names of the parties are there.
const HEAD: usize = 36;
/// Pixels that a letter of a label is wide at most.
const LETTER: usize = 8;
/// The left end of the bar that shows that something is cut.
const CUTS: usize = 38;

const STYLE: &str = "\
text{font:13px monospace;fill:#e7ecef}\
.life{stroke:#5d8bab;stroke-width:1.5}\
.dead{stroke:#5d8bab;stroke-dasharray:2 5}\
.line{stroke:#9cc3dd;stroke-width:1.5;fill:none}\
.head{fill:#9cc3dd}\
.label{fill:#f2e27a;paint-order:stroke;stroke:#142b46;stroke-width:4px}\
.fault{stroke:#ff7b72;stroke-width:2;fill:none}\
.fault-label{fill:#ff7b72}\
.heal{stroke:#7ee787;stroke-width:2}\
.heal-label{fill:#7ee787}\
.number{fill:#bbbbbb}\
.party{font-weight:bold}";

impl Diagram {
    /// Draws it as an `<svg>` element.
    pub fn svg(&self) -> String {
        let width = MARGIN + self.lanes.len() * SPACING;
        let height = HEAD + (self.rows.len() + 1) * HEIGHT;
        let mut svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' class='sequence' width='{width}' height='{height}' \
             viewBox='0 0 {width} {height}'><style>{STYLE}</style><defs><marker id='arrow' markerWidth='10' \
             markerHeight='8' refX='10' refY='4' orient='auto' markerUnits='userSpaceOnUse'>\
             <polygon class='head' points='0 0,10 4,0 8'/></marker></defs>"
        );
        for lane in 0..self.lanes.len() {
            self.draw_life(lane, &mut svg);
        }
        self.draw_cuts(&mut svg);
        for (lane, name) in self.lanes.iter().enumerate() {
            svg.label(x(lane), HEAD / 2, "middle", "party", name);
        }
        for (index, row) in self.rows.iter().enumerate() {
            let _ = write!(svg, "<g class='step'><title>{}</title>", escaped(&row.says));
            svg.label(
                CUTS - 10,
                y(index) + 4,
                "end",
                "number",
                &(index + 1).to_string(),
            );
            self.draw_row(index, row, &mut svg);
            svg.push_str("</g>");
        }
        svg.push_str("</svg>");
        svg
    }

    /// A line of life: dashed while the party doesn't live.
    fn draw_life(&self, lane: usize, svg: &mut String) {
        let mut from = HEAD - 8;
        let mut lived = true;
        let end = HEAD + (self.rows.len() + 1) * HEIGHT;
        let mut draw = |from, to, lived| {
            let class = if lived { "life" } else { "dead" };
            svg.stroke(class, (x(lane), from), (x(lane), to));
        };
        for (index, row) in self.rows.iter().enumerate() {
            if row.alive[lane] != lived {
                draw(from, y(index), lived);
                (from, lived) = (y(index), row.alive[lane]);
            }
        }
        draw(from, end, lived);
    }

    /// A bar at the left as long as something is cut.
    fn draw_cuts(&self, svg: &mut String) {
        for (index, row) in self.rows.iter().enumerate() {
            if row.cut {
                svg.stroke("fault", (CUTS, y(index)), (CUTS, y(index + 1)));
            }
        }
    }

    fn draw_row(&self, index: usize, row: &Row, svg: &mut String) {
        let here = y(index);
        match &row.mark {
            Mark::Heard {
                from,
                to,
                label,
                said,
            } => {
                let start = said.map_or(HEAD - 8, y);
                svg.arrow((x(*from), start), (x(*to), here));
                svg.beside(*to, *from, here, "label", label);
            }
            Mark::Reached { from, to } => {
                svg.arrow((x(*from), here), (x(*to), here));
                svg.beside(*to, *from, here, "label", "reached");
            }
            Mark::Lost { at, other } => {
                let label = format!("lost {}", self.lanes[*other]);
                svg.cross(x(*at), here);
                svg.beside(*at, *at + 1, here, "fault-label", &label);
            }
            Mark::Alone { at, label } => {
                svg.circle(x(*at), here, "head");
                svg.beside(*at, *at + 1, here, "label", label);
            }
            Mark::Stopped { at, label } => {
                svg.cross(x(*at), here);
                svg.beside(*at, *at + 1, here, "fault-label", label);
            }
            Mark::Started { at } => {
                svg.circle(x(*at), here, "heal");
                svg.beside(*at, *at + 1, here, "heal-label", "start");
            }
            Mark::Cut { lanes, label } => {
                if let [first, .., last] = lanes.as_slice() {
                    svg.stroke("fault", (x(*first), here), (x(*last), here));
                }
                lanes.iter().for_each(|lane| svg.cross(x(*lane), here));
                svg.to_the_right(lanes, self.lanes.len(), here, label);
            }
            Mark::Healed => {
                svg.stroke("heal", (CUTS - 4, here), (x(0), here));
                svg.beside(0, 1, here, "heal-label", "heal");
            }
        }
    }
}

/// What is drawn with.
trait Pen {
    fn stroke(&mut self, class: &str, from: (usize, usize), to: (usize, usize));
    fn arrow(&mut self, from: (usize, usize), to: (usize, usize));
    fn cross(&mut self, x: usize, y: usize);
    fn circle(&mut self, x: usize, y: usize, class: &str);
    fn label(&mut self, x: usize, y: usize, anchor: &str, class: &str, text: &str);

    /// A label in the room beside a lane, on the side where another lane is.
    fn beside(&mut self, lane: usize, towards: usize, y: usize, class: &str, text: &str) {
        let text = shorten(text, (SPACING - 30) / LETTER);
        if towards < lane {
            self.label(x(lane) - 16, y - 5, "end", class, &text);
        } else {
            self.label(x(lane) + 16, y - 5, "start", class, &text);
        }
    }

    /// A label over the line of a cut.
    fn to_the_right(&mut self, cut: &[usize], lanes: usize, y: usize, text: &str) {
        let first = cut.first().copied().unwrap_or_default();
        let text = shorten(text, ((lanes - first) * SPACING - 30) / LETTER);
        self.label(x(first) + 16, y - 6, "start", "fault-label", &text);
    }
}

impl Pen for String {
    fn stroke(&mut self, class: &str, (x1, y1): (usize, usize), (x2, y2): (usize, usize)) {
        // Writing to a string never fails.
        let _ = write!(
            self,
            "<line class='{class}' x1='{x1}' y1='{y1}' x2='{x2}' y2='{y2}'/>"
        );
    }

    fn arrow(&mut self, (x1, y1): (usize, usize), (x2, y2): (usize, usize)) {
        let _ = write!(
            self,
            "<line class='line' marker-end='url(#arrow)' x1='{x1}' y1='{y1}' x2='{x2}' y2='{y2}'/>"
        );
    }

    fn cross(&mut self, x: usize, y: usize) {
        let (left, right, top, bottom) = (x - 5, x + 5, y - 5, y + 5);
        let _ = write!(
            self,
            "<path class='fault' d='M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}'/>"
        );
    }

    fn circle(&mut self, x: usize, y: usize, class: &str) {
        let _ = write!(self, "<circle class='{class}' cx='{x}' cy='{y}' r='4'/>");
    }

    fn label(&mut self, x: usize, y: usize, anchor: &str, class: &str, text: &str) {
        let text = escaped(text);
        let _ = write!(
            self,
            "<text class='{class}' x='{x}' y='{y}' text-anchor='{anchor}'>{text}</text>"
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn x(lane: usize) -> usize {
    MARGIN + lane * SPACING
}

fn y(row: usize) -> usize {
    HEAD + (row + 1) * HEIGHT
}
