//! Work on all cores with its results in order: one thread takes tasks from a source, workers carry them out, and the
//! caller gets the results as if there were one thread only. A result comes in parts, of which only a few wait for the
//! caller: so both the tasks and what came of them are bounded, however far the workers are ahead. A panic is an error.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, scope};

use super::ImportError;

/// How many tasks may be under way for each worker.
const AHEAD: usize = 4;

/// How many parts of a task's result may wait until it is the task's turn.
const WAITING: usize = 1;

/// Where a worker gives the result of a task, part by part.
#[derive(Debug)]
pub(super) struct Parts<U>(SyncSender<Result<U, ImportError>>);

/// What a worker gives is not wanted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unwanted;

impl<U> Parts<U> {
    /// Gives the next part. Waits while so many are given and it is not yet the task's turn.
    pub(super) fn give(&self, part: U) -> Result<(), Unwanted> {
        self.0.send(Ok(part)).map_err(|_| Unwanted)
    }
}

/// Hands the parts of each task's result to `take`, in the order of the tasks, until there are no more or the first of
/// `next`, the work and `take` fails.
pub(super) fn in_order<T: Send, U: Send, W: FnMut(T, &Parts<U>) -> Result<(), Unwanted> + Send>(
    workers: usize,
    mut next: impl FnMut() -> Result<Option<T>, ImportError> + Send,
    new_worker: impl Fn() -> W,
    mut take: impl FnMut(U) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let ahead = workers.max(1) * AHEAD;
    let (to_do, tasks) = sync_channel::<(T, Parts<U>)>(ahead);
    let tasks = Mutex::new(tasks);
    let tasks = &tasks;
    scope(|scope| {
        // What is dropped when this closure ends lets every thread end.
        let to_do = to_do;
        // One more task is in the hands of the source.
        let (turns, in_turn) = sync_channel(ahead - 1);
        for _ in 0..workers.max(1) {
            let worker = new_worker();
            let work = move || carry_out(tasks, worker);
            Builder::new().spawn_scoped(scope, work).map_err(|_| ImportError::Defect)?;
        }
        let source = move || give_out(&mut next, &to_do, &turns);
        Builder::new().spawn_scoped(scope, source).map_err(|_| ImportError::Defect)?;
        for parts in in_turn {
            for part in parts? {
                take(part?)?;
            }
        }
        Ok(())
    })
}

/// Where the parts of a task's result come from.
type Turn<U> = Receiver<Result<U, ImportError>>;

/// Workers take the tasks in their order, so that the one whose turn it is never waits for another.
fn give_out<T, U>(
    mut next: impl FnMut() -> Result<Option<T>, ImportError>,
    to_do: &SyncSender<(T, Parts<U>)>,
    turns: &SyncSender<Result<Turn<U>, ImportError>>,
) {
    loop {
        let task = match guarded(&mut next).and_then(|next| next) {
            Ok(Some(task)) => task,
            Ok(None) => return,
            Err(error) => {
                // Whoever does not wait for it does not need it.
                let _ = turns.send(Err(error));
                return;
            }
        };
        let (parts, turn) = sync_channel(WAITING);
        if turns.send(Ok(turn)).is_err() || to_do.send((task, Parts(parts))).is_err() {
            return;
        }
    }
}

fn carry_out<T, U>(
    tasks: &Mutex<Receiver<(T, Parts<U>)>>,
    mut work: impl FnMut(T, &Parts<U>) -> Result<(), Unwanted>,
) {
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((task, parts)) = task else { return };
        let is_unwanted = match guarded(|| work(task, &parts)) {
            Ok(result) => result.is_err(),
            Err(defect) => parts.0.send(Err(defect)).is_err(),
        };
        if is_unwanted {
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

    /// Work whose result is one part.
    fn giving<T, U>(mut work: impl FnMut(T) -> U) -> impl FnMut(T, &Parts<U>) -> Result<(), Unwanted> {
        move |task, parts| parts.give(work(task))
    }

    #[test]
    fn what_waits_for_its_turn_is_bounded_however_much_comes_of_a_task() {
        let (given, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let ahead = AtomicUsize::new(0);
        let work = |task: usize, parts: &Parts<(usize, usize)>| {
            (0..1000).try_for_each(|part| {
                let now = given.fetch_add(1, Ordering::SeqCst) + 1 - taken.load(Ordering::SeqCst);
                ahead.fetch_max(now, Ordering::SeqCst);
                parts.give((task, part))
            })
        };
        let mut expected = (0..30).flat_map(|task| (0..1000).map(move |part| (task, part)));
        let take = |part| {
            assert_eq!(Some(part), expected.next());
            taken.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        in_order(3, numbers(30), || work, take).unwrap();
        assert_eq!(expected.next(), None);
        // Each worker waits with one task; the part that is being taken is counted as well.
        let most = 3 * (WAITING + 1) + 2;
        assert!(ahead.load(Ordering::SeqCst) <= most, "{} parts wait", ahead.load(Ordering::SeqCst));
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
                || giving(work),
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
                || giving(|task: usize| task),
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
            || giving(work),
            |()| {
                taken += 1;
                Ok(())
            },
        );
        assert_eq!((result, taken), (Err(ImportError::Defect), 50));
        let source = || -> Result<Option<usize>, ImportError> { panic!("a defect") };
        assert_eq!(in_order(3, source, || giving(|task: usize| task), |_| Ok(())), Err(ImportError::Defect));
    }

    #[test]
    fn whoever_takes_the_results_can_stop_everything() {
        let given = AtomicUsize::new(0);
        let endless = || Ok(Some(given.fetch_add(1, Ordering::Relaxed)));
        let result = in_order(
            2,
            endless,
            || giving(|task: usize| task),
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
            || giving(|task: usize| task),
            |_| {
                taken += 1;
                Ok(())
            },
        );
        assert_eq!((result, taken), (Err(ImportError::TooManyCells { limit: 1 }), 29));
    }
}
