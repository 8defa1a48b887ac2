//! The shape of any value, read from its `Debug` form: so that whatever a state comes to hold can be shown briefly, and
//! what differs between two states can be told, without naming each field here a second time.

use std::fmt::{self, Debug};
use std::str::Lines;

/// The widest that a value is shown in one line.
const WIDEST: usize = 96;

/// A value as `Debug` shows it: a leaf, or a head (`Server {`, `[`) with parts.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// All of a leaf; of anything else what its opening bracket ends.
    head: String,
    /// What is inside: fields and entries with their labels, elements without.
    parts: Vec<(Option<String>, Self)>,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Where: labels, outermost first.
    pub(crate) place: Vec<String>,
    /// What was there; `None` if nothing was.
    pub(crate) was: Option<String>,
    /// What is there now; `None` if nothing is.
    pub(crate) is: Option<String>,
}

impl Shape {
    /// The shape of a value.
    pub(crate) fn of(value: &impl Debug) -> Self {
        let text = format!("{value:#?}");
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        read(first, &mut lines).0
    }

    /// The part with this label.
    pub(crate) fn part(&self, label: &str) -> Option<&Self> {
        let mut parts = self.parts.iter();
        let found = parts.find(|(its, _)| its.as_deref() == Some(label));
        found.map(|(_, part)| part)
    }

    /// The parts, with their labels.
    pub(crate) fn parts(&self) -> &[(Option<String>, Self)] {
        &self.parts
    }

    /// What differs between a value and a later one, smallest things first named.
    pub(crate) fn differences(&self, later: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        differ(self, later, &mut Vec::new(), &mut found);
        found
    }

    /// All in one line.
    pub(crate) fn line(&self) -> String {
        let mut text = self.head.clone();
        for (index, (label, part)) in self.parts.iter().enumerate() {
            text.push_str(if index > 0 { ", " } else { self.inner_space() });
            if let Some(label) = label {
                text.push_str(label);
                text.push_str(": ");
            }
            text.push_str(&part.line());
        }
        text.push_str(self.inner_space());
        text.push_str(self.close());
        text
    }

    /// All in one line, cut off where that gets too wide.
    pub(crate) fn brief(&self) -> String {
        brief(&self.line())
    }

    fn inner_space(&self) -> &'static str {
        if self.head.ends_with('{') && !self.parts.is_empty() {
            " "
        } else {
            ""
        }
    }

    fn close(&self) -> &'static str {
        match self.head.chars().next_back() {
            Some('{') => "}",
            Some('[') => "]",
            Some('(') => ")",
            Some(_) | None => "",
        }
    }

    fn show(
        &self,
        label: Option<&str>,
        indent: usize,
        out: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let (label, colon) = label.map_or(("", ""), |label| (label, ": "));
        let line = self.line();
        let margin = "  ".repeat(indent);
        if self.parts.is_empty() || margin.len() + label.len() + line.chars().count() <= WIDEST {
            return writeln!(out, "{margin}{label}{colon}{line}");
        }
        writeln!(out, "{margin}{label}{colon}{}", self.head)?;
        for (label, part) in &self.parts {
            part.show(label.as_deref(), indent + 1, out)?;
        }
        writeln!(out, "{margin}{}", self.close())
    }
}

/// Over as few lines as its width allows.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(None, 0, f)
    }
}

/// A text, cut off where it gets too wide.
pub(crate) fn brief(text: &str) -> String {
    if text.chars().count() <= WIDEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(WIDEST - 1).collect();
    start + "…"
}

/// Reads a value from its first line and those that follow; also returns what stands behind its end.
fn read<'a>(first: &'a str, lines: &mut Lines<'a>) -> (Shape, &'a str) {
    let first = first.trim();
    let mut shape = Shape {
        head: first.to_owned(),
        parts: Vec::new(),
    };
    if !first.ends_with(['{', '[', '(']) {
        let value = first.strip_suffix(',').unwrap_or(first);
        // An empty collection is one without parts.
        shape.head = match value {
            "{}" => "{",
            "[]" => "[",
            _ => value,
        }
        .to_owned();
        return (shape, "");
    }
    let mut rest = "";
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some(behind) = line.strip_prefix(['}', ']', ')']) {
            rest = behind;
            break;
        }
        shape.parts.push(read_part(line, lines));
    }
    (unwrapped(shape), rest)
}

fn read_part<'a>(line: &'a str, lines: &mut Lines<'a>) -> (Option<String>, Shape) {
    if let Some((label, value)) = line.split_once(": ")
        && !label.contains(['"', '{', '[', '('])
    {
        return (Some(label.to_owned()), read(value, lines).0);
    }
    let (value, behind) = read(line, lines);
    match behind.strip_prefix(": ") {
        // It was the key of an entry.
        Some(first) => (Some(value.line()), read(first, lines).0),
        None => (None, value),
    }
}

/// `Some(…)` says no more than what is in it.
fn unwrapped(mut shape: Shape) -> Shape {
    match shape.parts.pop() {
        Some((None, part)) if shape.head == "Some(" && shape.parts.is_empty() => part,
        Some(part) => {
            shape.parts.push(part);
            shape
        }
        None => shape,
    }
}

fn differ(was: &Shape, is: &Shape, place: &mut Vec<String>, found: &mut Vec<Difference>) {
    if was == is {
        return;
    }
    let has_labels = |shape: &Shape| shape.parts.iter().all(|(label, _)| label.is_some());
    if was.head != is.head || was.head.ends_with(|end| !matches!(end, '{' | '[' | '(')) {
        found.push(Difference {
            place: place.clone(),
            was: Some(was.brief()),
            is: Some(is.brief()),
        });
    } else if has_labels(was) && has_labels(is) {
        differ_by_label(was, is, place, found);
    } else if was.parts.len() == is.parts.len() && was.head.ends_with('(') {
        for ((_, was), (_, is)) in was.parts.iter().zip(&is.parts) {
            differ(was, is, place, found);
        }
    } else {
        differ_as_sets(was, is, place, found);
    }
}

fn differ_by_label(was: &Shape, is: &Shape, place: &mut Vec<String>, found: &mut Vec<Difference>) {
    let new = |(label, _): &&(Option<String>, Shape)| {
        label
            .as_deref()
            .is_some_and(|label| was.part(label).is_none())
    };
    for (label, part) in was.parts.iter().chain(is.parts.iter().filter(new)) {
        let Some(label) = label else { continue };
        place.push(label.clone());
        match (was.part(label), is.part(label)) {
            (Some(was), Some(is)) => differ(was, is, place, found),
            (Some(_), None) => found.push(Difference {
                place: place.clone(),
                was: Some(part.brief()),
                is: None,
            }),
            (None, _) => found.push(Difference {
                place: place.clone(),
                was: None,
                is: Some(part.brief()),
            }),
        }
        place.pop();
    }
}

/// Of lists and sets: which elements have gone, which have come.
fn differ_as_sets(was: &Shape, is: &Shape, place: &[String], found: &mut Vec<Difference>) {
    let mut gone: Vec<&Shape> = was.parts.iter().map(|(_, part)| part).collect();
    let mut come = Vec::new();
    for (_, part) in &is.parts {
        match gone.iter().position(|old| *old == part) {
            Some(same) => {
                gone.remove(same);
            }
            None => come.push(part),
        }
    }
    let mut tell = |was: Option<&Shape>, is: Option<&Shape>| {
        found.push(Difference {
            place: place.to_vec(),
            was: was.map(Shape::brief),
            is: is.map(Shape::brief),
        });
    };
    if gone.is_empty() && come.is_empty() {
        return tell(Some(was), Some(is));
    }
    gone.into_iter().for_each(|part| tell(Some(part), None));
    come.into_iter().for_each(|part| tell(None, Some(part)));
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[derive(Clone, Debug, Default)]
    struct Desk {
        owner: Option<&'static str>,
        drawers: BTreeMap<u8, Vec<&'static str>>,
        pairs: BTreeMap<(u8, u8), Option<Drawer>>,
        marks: BTreeSet<u8>,
    }

    #[derive(Clone, Debug)]
    #[expect(dead_code, reason = "only its Debug form is read")]
    struct Drawer {
        width: u8,
    }

    fn desk() -> Desk {
        Desk {
            owner: Some("ann: \"a, {b\""),
            drawers: [(1, vec!["pen", "ink"]), (2, vec![])].into(),
            pairs: [((1, 2), Some(Drawer { width: 3 }))].into(),
            marks: [7].into(),
        }
    }

    fn told(was: &Desk, is: &Desk) -> Vec<String> {
        let differences = Shape::of(was).differences(&Shape::of(is));
        let tell = |difference: Difference| {
            let [was, is] = [difference.was, difference.is].map(|side| side.unwrap_or_default());
            format!("{}: {was} > {is}", difference.place.join("."))
        };
        differences.into_iter().map(tell).collect()
    }

    #[test]
    fn a_value_is_shown_in_one_line_if_it_fits() {
        assert_eq!(
            Shape::of(&desk()).line(),
            r#"Desk { owner: "ann: \"a, {b\"", drawers: { 1: ["pen", "ink"], 2: [] }, pairs: { (1, 2): Drawer { width: 3 } }, marks: { 7 } }"#
        );
        assert_eq!(Shape::of(&desk()).to_string().lines().count(), 6);
    }

    #[test]
    fn what_differs_is_told_where_it_is_and_nothing_else() {
        let before = desk();
        assert_eq!(told(&before, &before), Vec::<String>::new());
        let mut after = desk();
        after.owner = None;
        after.drawers.insert(1, vec!["ink", "key"]);
        after.drawers.remove(&2);
        after.pairs.insert((1, 2), Some(Drawer { width: 4 }));
        after.marks.clear();
        assert_eq!(
            told(&before, &after),
            [
                r#"owner: "ann: \"a, {b\"" > None"#,
                r#"drawers.1: "pen" > "#,
                r#"drawers.1:  > "key""#,
                "drawers.2: [] > ",
                "pairs.(1, 2).width: 3 > 4",
                "marks: 7 > ",
            ]
        );
    }

    #[test]
    fn an_order_that_changed_is_told_as_a_whole() {
        let before = desk();
        let mut after = desk();
        after.drawers.insert(1, vec!["ink", "pen"]);
        assert_eq!(
            told(&before, &after),
            [r#"drawers.1: ["pen", "ink"] > ["ink", "pen"]"#]
        );
    }
}
