//! Work on all cores with its results in order: one thread takes tasks from a source, workers carry them out, and the
//! caller gets the results as if there were one thread only. How far the workers are ahead of the caller is bounded;
//! a panic is an error.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, scope};

use super::ImportError;

/// How many tasks may be under way for each worker.
const AHEAD: usize = 4;

/// A result, or nothing at the end, with its place.
type Placed<U> = (usize, Result<Option<U>, ImportError>);

/// Hands the result of each task to `take`, in the order of the tasks, until there are no more or the first of `next`,
/// the work and `take` fails.
pub(super) fn in_order<T: Send, U: Send, W: FnMut(T) -> U>(
    workers: usize,
    mut next: impl FnMut() -> Result<Option<T>, ImportError> + Send,
    new_worker: impl Fn() -> W + Sync,
    mut take: impl FnMut(U) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let ahead = workers.max(1) * AHEAD;
    let (to_do, tasks) = sync_channel::<(usize, T)>(ahead);
    let tasks = Mutex::new(tasks);
    let (tasks, new_worker) = (&tasks, &new_worker);
    scope(|scope| {
        // What is dropped when this closure ends lets every thread end.
        let to_do = to_do;
        let (permits, permitted) = sync_channel::<()>(ahead);
        let (done, results) = sync_channel::<Placed<U>>(ahead);
        for _ in 0..workers.max(1) {
            let done = done.clone();
            let work = move || carry_out(tasks, new_worker(), &done);
            Builder::new().spawn_scoped(scope, work).map_err(|_| ImportError::Defect)?;
        }
        for _ in 0..ahead {
            permits.send(()).map_err(|_| ImportError::Defect)?;
        }
        let source = move || give_out(&permitted, &mut next, &to_do, &done);
        Builder::new().spawn_scoped(scope, source).map_err(|_| ImportError::Defect)?;
        let mut early = BTreeMap::new();
        let mut at = 0;
        for (place, result) in results {
            early.insert(place, result);
            while let Some(result) = early.remove(&at) {
                let Some(result) = result? else { return Ok(()) };
                take(result)?;
                at += 1;
                // Nobody waits for it any more once the source is at its end.
                let _ = permits.send(());
            }
        }
        Err(ImportError::Defect)
    })
}

fn give_out<T, U>(
    permitted: &Receiver<()>,
    mut next: impl FnMut() -> Result<Option<T>, ImportError>,
    to_do: &SyncSender<(usize, T)>,
    done: &SyncSender<Placed<U>>,
) {
    for place in 0.. {
        if permitted.recv().is_err() {
            return;
        }
        let is_over = match guarded(&mut next).and_then(|next| next) {
            Ok(Some(task)) => to_do.send((place, task)).is_err(),
            end => {
                // Whoever does not wait for it does not need it.
                let _ = done.send((place, end.map(|_| None)));
                true
            }
        };
        if is_over {
            return;
        }
    }
}

fn carry_out<T, U>(
    tasks: &Mutex<Receiver<(usize, T)>>,
    mut work: impl FnMut(T) -> U,
    done: &SyncSender<Placed<U>>,
) {
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((place, task)) = task else { return };
        let result = guarded(|| work(task)).map(Some);
        if done.send((place, result)).is_err() {
            return;
        }
    }
}

/// A panic is a defect of the program, and stops nothing but this one list.
fn guarded<U>(work: impl FnOnce() -> U) -> Result<U, ImportError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| ImportError::Defect)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn numbers(count: usize) -> impl FnMut() -> Result<Option<usize>, ImportError> + Send {
        let mut numbers = 0..count;
        move || Ok(numbers.next())
    }

    #[test]
    fn results_come_in_the_order_of_the_tasks_however_long_each_takes() {
        for workers in [0, 1, 2, 7] {
            let work = |task: usize| {
                (0..(task * 7919) % 5000).for_each(|round| {
                    std::hint::black_box(round);
                });
                task
            };
            let mut taken = Vec::new();
            in_order(
                workers,
                numbers(500),
                || work,
                |task| {
                    taken.push(task);
                    Ok(())
                },
            )
            .unwrap();
            assert!(taken.iter().copied().eq(0..500), "{workers} workers");
        }
    }

    #[test]
    fn a_short_list_ends_as_well_as_a_long_one() {
        for count in (0..40).cycle().take(400) {
            let mut taken = 0;
            in_order(
                2,
                numbers(count),
                || |task: usize| task,
                |_| {
                    taken += 1;
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!(taken, count);
        }
    }

    #[test]
    fn a_panic_of_a_worker_or_the_source_is_an_error_and_comes_in_its_turn() {
        let mut taken = 0;
        let work = |task: usize| assert_ne!(task, 50, "a defect");
        let result = in_order(
            3,
            numbers(1000),
            || work,
            |()| {
                taken += 1;
                Ok(())
            },
        );
        assert_eq!((result, taken), (Err(ImportError::Defect), 50));
        let source = || -> Result<Option<usize>, ImportError> { panic!("a defect") };
        assert_eq!(in_order(3, source, || |task| task, |_| Ok(())), Err(ImportError::Defect));
    }

    #[test]
    fn whoever_takes_the_results_can_stop_everything() {
        let given = AtomicUsize::new(0);
        let endless = || Ok(Some(given.fetch_add(1, Ordering::Relaxed)));
        let result = in_order(
            2,
            endless,
            || |task| task,
            |task| if task == 20 { Err(ImportError::Stopped) } else { Ok(()) },
        );
        assert_eq!(result, Err(ImportError::Stopped));
        assert!(given.load(Ordering::Relaxed) <= 21 + 2 * AHEAD, "the source is never far ahead");
    }

    #[test]
    fn what_is_wrong_with_the_source_is_said_after_what_came_before() {
        let mut left = 30;
        let source = move || {
            left -= 1;
            if left == 0 { Err(ImportError::TooManyCells { limit: 1 }) } else { Ok(Some(left)) }
        };
        let mut taken = 0;
        let result = in_order(
            2,
            source,
            || |task: usize| task,
            |_| {
                taken += 1;
                Ok(())
            },
        );
        assert_eq!((result, taken), (Err(ImportError::TooManyCells { limit: 1 }), 29));
    }
}
