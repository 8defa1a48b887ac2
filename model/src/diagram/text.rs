//! A sequence diagram for a terminal.
//!
//! ```text
//!           s1                s2                s3
//!    1  ╳   ╳┄┄┄┄┄┄cut s1–s2┄┄╳                 │
//!    2  ╎   │                 ✕ lost s1         │
//!    3  ╎   │                 │─────PATH───────▸│
//! ```

use super::{Diagram, Mark, Row, shorten};

/// Columns between two lines of life: an AUTHENTICATE fits between.
const SPACING: usize = 18;
/// The column of the first one.
const MARGIN: usize = 10;
/// The column that shows whether anything is cut.
const CUTS: usize = 6;

impl Diagram {
    /// Draws it in characters.
    pub fn text(&self) -> String {
        let mut head = Canvas::new(self.lanes.len());
        for (lane, name) in self.lanes.iter().enumerate() {
            head.put(column(lane), name);
        }
        let mut text = head.line();
        let mut alive = vec![true; self.lanes.len()];
        for (number, row) in (1..).zip(&self.rows) {
            let mut canvas = Canvas::new(self.lanes.len());
            canvas.put(0, &format!("{number:>4}"));
            canvas.put(CUTS, if row.cut { "╎" } else { " " });
            for (lane, lives) in alive.iter().enumerate() {
                canvas.put(column(lane), if *lives { "│" } else { " " });
            }
            self.draw_text(row, &mut canvas);
            text.push_str(&canvas.line());
            alive.clone_from(&row.alive);
        }
        text
    }

    fn draw_text(&self, row: &Row, canvas: &mut Canvas) {
        match &row.mark {
            Mark::Heard {
                from, to, label, ..
            } => canvas.arrow(*from, *to, label),
            Mark::Reached { from, to } => canvas.arrow(*from, *to, "reached"),
            Mark::Lost { at, other } => {
                canvas.note(*at, "✕", &format!("lost {}", self.lanes[*other]));
            }
            Mark::Alone { at, label } => canvas.note(*at, "●", label),
            Mark::Stopped { at, label } => canvas.note(*at, "✖", label),
            Mark::Started { at } => canvas.note(*at, "○", "start"),
            Mark::Cut { lanes, label } => {
                canvas.put(CUTS, "╳");
                if let [first, .., last] = lanes.as_slice() {
                    canvas.span(column(*first), column(*last), '┄', label);
                }
                for lane in lanes {
                    canvas.put(column(*lane), "╳");
                }
            }
            Mark::Healed => canvas.put(CUTS, "heal"),
        }
    }
}

/// One row of characters.
struct Canvas(Vec<char>);

impl Canvas {
    fn new(lanes: usize) -> Self {
        Self(vec![' '; column(lanes)])
    }

    fn put(&mut self, at: usize, text: &str) {
        for (cell, char) in self.0.iter_mut().skip(at).zip(text.chars()) {
            *cell = char;
        }
    }

    /// A sign on a line of life, and what it means beside it.
    fn note(&mut self, lane: usize, sign: &str, label: &str) {
        self.put(column(lane), sign);
        self.put(column(lane) + 2, &shorten(label, SPACING - 3));
    }

    /// A line from one column to another with a label on its middle.
    fn span(&mut self, from: usize, to: usize, stroke: char, label: &str) {
        let length = to - from - 1;
        self.put(from + 1, &stroke.to_string().repeat(length));
        let label = shorten(label, length.saturating_sub(4));
        let width = label.chars().count();
        self.put(from + 1 + (length - width) / 2, &label);
    }

    fn arrow(&mut self, from: usize, to: usize, label: &str) {
        let (left, right) = (column(from.min(to)), column(from.max(to)));
        self.span(left, right, '─', label);
        if from < to {
            self.put(right - 1, "▸");
        } else {
            self.put(left + 1, "◂");
        }
    }

    fn line(&self) -> String {
        let line: String = self.0.iter().collect();
        format!("{}\n", line.trim_end())
    }
}

fn column(lane: usize) -> usize {
    MARGIN + lane * SPACING
}
