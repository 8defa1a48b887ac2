//! Arithmetic of [`Vector`]s: per stream, up to where. An absent stream counts as 0.

use crate::message::Stream;
use crate::message::client::Vector;

/// Up to where this stream.
pub fn at(vector: &Vector, stream: &Stream) -> u64 {
    vector.get(stream).copied().unwrap_or(0)
}

/// Moves one stream forward, never back.
pub fn raise(vector: &mut Vector, stream: &Stream, number: u64) {
    if at(vector, stream) < number {
        vector.insert(stream.clone(), number);
    }
}

/// Whether `vector` is at least as far as `other` everywhere.
pub fn covers(vector: &Vector, other: &Vector) -> bool {
    vector.ptr_eq(other)
        || other
            .iter()
            .all(|(stream, number)| at(vector, stream) >= *number)
}

/// The further of the two, stream by stream.
pub fn join(a: &Vector, b: &Vector) -> Vector {
    if covers(a, b) {
        return a.clone();
    }
    a.clone().union_with(b.clone(), u64::max)
}

/// The nearer of the two, stream by stream.
pub fn meet(a: &Vector, b: &Vector) -> Vector {
    if covers(b, a) {
        return a.clone();
    }
    let both = a.iter().filter_map(|(stream, number)| {
        let number = at(b, stream).min(*number);
        (number > 0).then(|| (stream.clone(), number))
    });
    both.collect()
}

/// The part of `vector` that is further than `other`.
pub fn beyond(vector: &Vector, other: &Vector) -> Vector {
    let further = vector.iter();
    let further = further.filter(|(stream, number)| **number > at(other, stream));
    further
        .map(|(stream, number)| (stream.clone(), *number))
        .collect()
}

/// How many messages lie between `from` and `to`.
pub fn between(from: &Vector, to: &Vector) -> u64 {
    to.iter()
        .map(|(stream, number)| number.saturating_sub(at(from, stream)))
        .sum()
}
