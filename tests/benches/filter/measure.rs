//! Takes times.

use std::time::{Duration, Instant};

/// Returns how long a call takes.
pub(crate) fn time(call: impl FnOnce()) -> Duration {
    let started = Instant::now();
    call();
    started.elapsed()
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Runs the calls in turns, so that whatever disturbs the machine falls on all of them, and returns the median of each.
///
/// A turn is several calls, for each call leaves the processor's caches as it likes them.
pub(crate) fn side_by_side<const N: usize>(rounds: usize, mut calls: [&mut dyn FnMut(usize); N]) -> [Duration; N] {
    let turn = (rounds / 10).clamp(1, 100);
    let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    for start in (0..rounds + turn).step_by(turn) {
        for side in 0..N {
            // Whoever goes second finds warmer pages: take turns in that as well.
            let side = (side + start / turn) % N;
            for round in start..start + turn {
                let taken = time(|| calls[side](round));
                // The first turn warms up.
                if start > 0 {
                    times[side].push(taken);
                }
            }
        }
    }
    times.map(median)
}

/// Returns how many calls fit into half a second, 11 to 2,000, judged by one of them.
pub(crate) fn rounds(one: Duration) -> usize {
    let fit = 500_000_000 / one.as_nanos().max(1);
    usize::try_from(fit).unwrap_or(usize::MAX).clamp(11, 2_000)
}
