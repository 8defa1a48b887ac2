//! Charts over the time of a run, as inline SVG without anything from elsewhere.

use std::fmt::{Display, Write};
use std::time::Duration;

use super::escaped;
use crate::command::torture::text::clock;

/// How wide a chart is, in its own units.
const WIDTH: f64 = 920.0;
/// Where the time begins, from the left: labels are before it.
const LEFT: f64 = 68.0;
/// Where the time ends, from the right.
const RIGHT: f64 = 14.0;
/// Where the values end, from the top.
const TOP: f64 = 10.0;
/// Where the values begin, from the bottom: the time's labels are below.
const BOTTOM: f64 = 24.0;
/// How many marks an axis has at most.
const MARKS_MAX: f64 = 9.0;
/// Distances between marks of time, in seconds.
const STEPS: [u64; 14] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600, 86_400,
];

/// A chart that is being drawn: what there is so far, and where the time is.
pub(super) struct Chart {
    svg: String,
    height: f64,
    seconds: f64,
}

/// How values become heights.
#[derive(Clone, Copy)]
pub(super) enum Scale {
    /// From 0 to this.
    Linear(f64),
    /// From this to that, each power of ten as high as the other.
    Log(f64, f64),
}

impl Scale {
    /// Where a value is, from 0 to 1.
    fn share(self, value: f64) -> f64 {
        let share = match self {
            Self::Linear(most) => value / most,
            Self::Log(least, most) => (value / least).log10() / (most / least).log10(),
        };
        share.clamp(0.0, 1.0)
    }

    /// The values that are marked.
    fn marks(self) -> Vec<f64> {
        match self {
            Self::Linear(most) => {
                let step = step(most / 5.0);
                let count = (most / step).floor() as u32;
                (0..=count).map(|nth| f64::from(nth) * step).collect()
            }
            Self::Log(least, most) => {
                let powers = (most / least).log10().round() as u32;
                let mark = |power: u32| least * 10f64.powi(power.cast_signed());
                (0..=powers).map(mark).collect()
            }
        }
    }
}

/// The next round number.
fn step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1e-9).log10().floor());
    let rounds = [1.0, 2.0, 5.0, 10.0].map(|round| round * power);
    let next = rounds.into_iter().find(|round| *round >= least * 0.999);
    next.unwrap_or(10.0 * power)
}

impl Chart {
    /// A chart of this height, of a run of so many seconds, that shows this to who can't see.
    pub(super) fn new(height: f64, seconds: f64, says: &str) -> Self {
        let mut chart = Self {
            svg: format!(
                "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n",
                escaped(says)
            ),
            height,
            seconds: seconds.max(1e-3),
        };
        chart.times();
        chart
    }

    /// Where a time is.
    fn x(&self, at: f64) -> f64 {
        LEFT + (at / self.seconds).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, share: f64) -> f64 {
        let bottom = self.height - BOTTOM;
        bottom - share * (bottom - TOP)
    }

    fn put(&mut self, element: impl Display) {
        // Into a String: cannot fail.
        let _ = writeln!(self.svg, "{element}");
    }

    /// Marks the time.
    fn times(&mut self) {
        let fits = |step: &u64| self.seconds / *step as f64 <= MARKS_MAX;
        let step = STEPS.into_iter().find(fits).unwrap_or(7 * 86_400);
        let (top, bottom) = (TOP, self.height - BOTTOM);
        let mut at = 0;
        while at as f64 <= self.seconds {
            let x = self.x(at as f64);
            self.put(format_args!(
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\"/>"
            ));
            let label = clock(Duration::from_secs(at));
            self.label(x, self.height - 6.0, "middle", &label);
            at += step;
        }
    }

    fn label(&mut self, x: f64, y: f64, anchor: &str, text: &str) {
        let text = escaped(text);
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    /// Marks the values.
    pub(super) fn values(&mut self, scale: Scale, says: impl Fn(f64) -> String) {
        let right = WIDTH - RIGHT;
        for mark in scale.marks() {
            let y = self.y(scale.share(mark));
            self.put(format_args!(
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
            ));
            self.label(LEFT - 8.0, y + 4.0, "end", &says(mark));
        }
    }

    /// A line through values, with a hole where there is none. Where there is one alone, a dot.
    pub(super) fn line(
        &mut self,
        scale: Scale,
        class: &str,
        points: impl Iterator<Item = (f64, Option<f64>)>,
    ) {
        let mut path = String::new();
        let mut is_drawing = false;
        for (at, value) in points {
            if let Some(value) = value {
                let (x, y) = (self.x(at), self.y(scale.share(value)));
                let to = if is_drawing { 'L' } else { 'M' };
                let _ = write!(path, "{to}{x:.1} {y:.1}");
                if !is_drawing {
                    path.push_str("h.1");
                }
            }
            is_drawing = value.is_some();
        }
        self.put(format_args!("<path class=\"line {class}\" d=\"{path}\"/>"));
    }

    /// The name of a row of a time line, which has so many.
    pub(super) fn row(&mut self, row: usize, rows: usize, name: &str) {
        let (top, height) = self.row_at(row, rows);
        self.label(LEFT - 8.0, top + height / 2.0 + 4.0, "end", name);
        let (width, y) = (WIDTH - LEFT - RIGHT, top);
        if row.is_multiple_of(2) {
            self.put(format_args!(
                "<rect class=\"band\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{width}\" height=\"{height:.1}\"/>"
            ));
        }
    }

    /// Something in a row that lasts from a time to another one.
    pub(super) fn bar(
        &mut self,
        (row, rows): (usize, usize),
        (from, to): (f64, f64),
        class: &str,
        says: &str,
    ) {
        let (top, height) = self.row_at(row, rows);
        let (x, y) = (self.x(from), top + height * 0.15);
        let (width, height) = ((self.x(to) - x).max(2.0), height * 0.7);
        let says = escaped(says);
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"><title>{says}</title></rect>"
        ));
    }

    fn row_at(&self, row: usize, rows: usize) -> (f64, f64) {
        let height = (self.height - BOTTOM - TOP) / rows as f64;
        (TOP + row as f64 * height, height)
    }

    /// The whole element.
    pub(super) fn end(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }
}

/// Times as dots in a row of their own, from a hundredth of a second to a hundred; nothing of none.
pub(super) fn dots(times: &[f64], class: &str) -> String {
    const LENGTH: f64 = 320.0;
    if times.is_empty() {
        return String::new();
    }
    let scale = Scale::Log(0.01, 100.0);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {LENGTH} 14\" class=\"dots\" role=\"img\" aria-label=\"each of them\">"
    );
    for mark in scale.marks() {
        let x = 6.0 + scale.share(mark) * (LENGTH - 12.0);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"14\"/>"
        );
    }
    for time in times {
        let x = 6.0 + scale.share(*time) * (LENGTH - 12.0);
        let _ = write!(
            svg,
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"7\" r=\"3.5\"><title>{time:.3} s</title></circle>"
        );
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_marks_are_few() {
        assert_eq!(step(0.7), 1.0);
        assert_eq!(step(1_100.0), 2_000.0);
        assert_eq!(
            Scale::Linear(4_200.0).marks(),
            [0.0, 1_000.0, 2_000.0, 3_000.0, 4_000.0]
        );
        assert_eq!(Scale::Log(0.1, 100.0).marks().len(), 4);
    }

    #[test]
    fn a_line_has_a_hole_where_there_is_no_value() {
        let mut chart = Chart::new(100.0, 10.0, "a test");
        let points = [(0.0, Some(1.0)), (5.0, None), (10.0, Some(2.0))];
        chart.line(Scale::Linear(2.0), "a", points.into_iter());
        let svg = chart.end();
        let path = svg.lines().find(|line| line.starts_with("<path")).unwrap();
        assert_eq!(path.matches('M').count(), 2, "{path}");
        assert_eq!(path.matches('L').count(), 0, "{path}");
    }
}
