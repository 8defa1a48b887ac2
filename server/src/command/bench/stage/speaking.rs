//! How speakers speak: as fast as they are heard, or at a fixed rate.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tokio::task::yield_now;

use super::super::clock::now;
use super::plan::Pace;
use super::shared::Shared;
use super::speaker::Speaker;

/// How long a pause may last before a speaker looks at the clock again.
const PAUSE_MAX: Duration = Duration::from_millis(50);
/// How many messages that are late are written at once, at most.
const AT_ONCE_MAX: u64 = 1_024;

/// Speaks as fast as it is heard, until all is said.
pub(super) async fn closed_loop(shared: &Shared, speaker: usize) {
    let Pace::Closed { batch, .. } = shared.plan.pace else {
        return;
    };
    let speaker = &shared.speakers[speaker];
    let wait = shared.began.load(SeqCst).saturating_sub(now());
    tokio::time::sleep(Duration::from_nanos(wait)).await;
    while shared.is_speaking() && now() < shared.end() {
        let left = shared.plan.count.saturating_sub(speaker.said());
        if left == 0 || (speaker.voice().is_none() && !shared.plan.moves()) {
            break;
        }
        let messages = speaker.room().min(batch).min(left);
        let can_speak = || speaker.room() > 0 && speaker.voice().is_some();
        if messages == 0 || !can_speak() {
            // What was lost on the way never makes room: the clock goes on.
            let _ = tokio::time::timeout(PAUSE_MAX, speaker.wait(can_speak)).await;
            continue;
        }
        // A connection that is broken is noticed where it is read.
        let _ = speaker.speak((0..messages).map(|_| now()));
        if let Some(voice) = speaker.voice() {
            let _ = voice.flush().await;
        }
        yield_now().await;
    }
    shared.finished.fetch_add(1, SeqCst);
}

/// When the messages of an open loop are due: fixed in advance, whatever becomes of those before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    began: u64,
    every_ns: f64,
}

impl Schedule {
    /// So many messages a second from `began`.
    pub(super) fn new(began: u64, rate: f64) -> Self {
        Self {
            began,
            every_ns: 1e9 / rate,
        }
    }

    /// When a message is due.
    pub(super) fn due(&self, message: u64) -> u64 {
        self.began + (message as f64 * self.every_ns) as u64
    }

    /// How many messages are due by now.
    pub(super) fn due_by(&self, now: u64) -> u64 {
        match now.checked_sub(self.began) {
            Some(since) => (since as f64 / self.every_ns) as u64 + 1,
            None => 0,
        }
    }
}

/// Speaks at a fixed rate, on a thread of its own that does nothing else: speakers in turn, each message marked with when
/// it was due. What is late is said at once, and its wait counts. Tells `lag` how late each was.
pub(super) fn open_loop(
    shared: &Arc<Shared>,
    rate: f64,
    mut lag: impl FnMut(u64),
) -> io::Result<()> {
    wake_on_time();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let (schedule, end) = (Schedule::new(shared.began.load(SeqCst), rate), shared.end());
    let speakers = shared.speakers.len() as u64;
    let all = schedule
        .due_by(end)
        .saturating_sub(1)
        .min(shared.plan.count.saturating_mul(speakers));
    let mut said = 0;
    while said < all && shared.is_speaking() {
        let now_ns = now();
        let due = schedule.due_by(now_ns).min(all).min(said + AT_ONCE_MAX);
        if due == said {
            let wait = schedule.due(said).saturating_sub(now_ns);
            std::thread::sleep(Duration::from_nanos(wait).min(PAUSE_MAX));
            continue;
        }
        (said..due).for_each(|message| lag(now_ns.saturating_sub(schedule.due(message))));
        for (index, speaker) in shared.speakers.iter().enumerate() {
            let first = (said..due).find(|message| message % speakers == index as u64);
            let mine = first
                .into_iter()
                .flat_map(|first| (first..due).step_by(speakers as usize));
            let _ = speaker.speak(mine.map(|message| schedule.due(message)));
            runtime.block_on(make_way(shared, speaker));
        }
        said = due;
    }
    shared.finished.fetch_add(shared.speakers.len(), SeqCst);
    Ok(())
}

/// Waits until all is written, and until a client of ours may keep more.
async fn make_way(shared: &Shared, speaker: &Speaker) {
    while shared.is_speaking() {
        let Some(voice) = speaker.voice() else {
            break;
        };
        // A connection that is broken is noticed where it is read.
        if tokio::time::timeout(PAUSE_MAX, voice.flush()).await.is_ok() {
            break;
        }
    }
    while speaker.room() == 0 && shared.is_speaking() {
        let has_room = || speaker.room() > 0;
        let _ = tokio::time::timeout(PAUSE_MAX, speaker.wait(has_room)).await;
    }
}

/// A sleep ends when it should, not when it suits the system best.
fn wake_on_time() {
    #[cfg(target_os = "linux")]
    {
        // Where it isn't allowed, sends are some 50 µs late, and are reported so.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_doesnt_move_however_late_it_is_looked_at() {
        let schedule = Schedule::new(1_000_000, 1_000.0);
        assert_eq!(schedule.due(0), 1_000_000);
        assert_eq!(schedule.due(7), 8_000_000);
        assert_eq!(schedule.due_by(0), 0);
        assert_eq!(schedule.due_by(1_000_000), 1);
        // A stall of half a second: all that was due meanwhile is due now, each since its own time.
        assert_eq!(schedule.due_by(501_500_000), 501);
        assert_eq!(schedule.due(500), 501_000_000);
    }

    #[test]
    fn a_rate_that_is_no_divisor_of_a_second_doesnt_drift() {
        let schedule = Schedule::new(0, 3_333.0);
        assert_eq!(schedule.due(3_333 * 3_600) / 1_000, 3_600_000_000);
        for message in [1, 10, 1_000, 100_000] {
            let due = schedule.due(message);
            assert!((message..=message + 1).contains(&schedule.due_by(due)));
        }
    }
}
