//! The lock of migrating, between threads and after a crash.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::schema::tests::call;

const WAIT: Duration = Duration::from_millis(60);

fn seats() -> (tempfile::TempDir, [Seat; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let location = Location::File { given: path.display().to_string(), path };
    (folder, [Seat::of(&location), Seat::of(&Location::Memory)])
}

fn take(seat: &Seat, wait: Duration) -> Result<Held> {
    seat.take(&call(), wait, &mut |_: &Event<'_>| {})
}

#[test]
fn who_comes_second_waits_and_is_told_for_whom() {
    let (_folder, seats) = seats();
    for seat in seats {
        assert_eq!(seat.holder(), None);
        let held = take(&seat, WAIT).unwrap();
        let holder = seat.holder().unwrap();
        assert_eq!((holder.process, holder.since), (i64::from(std::process::id()), Some(call().now)));
        let mut told = Vec::new();
        let error = seat
            .take(&call(), WAIT, &mut |event: &Event<'_>| match event {
                Event::Waiting { holder, millis } => told.push((holder.cloned(), *millis)),
                other => panic!("{other:?}"),
            })
            .unwrap_err();
        assert_eq!(SchemaFault::of(&error), Some(SchemaFault::Locked));
        assert!(error.message().contains(&holder.description), "{error}");
        assert_eq!(told.len(), 1, "at once, and then each second");
        assert_eq!(told[0].0.as_ref(), Some(&holder));
        drop(held);
        assert_eq!(seat.holder(), None);
        take(&seat, Duration::ZERO).unwrap();
    }
}

#[test]
fn one_at_a_time() {
    let (folder, seats) = seats();
    for seat in seats {
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let held = take(&seat, Duration::from_mins(1)).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
        });
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing stays");
}

#[test]
fn who_looks_is_in_nobodys_way() {
    let (_folder, [seat, _]) = seats();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                seat.holder();
            }
        });
        let taken: Vec<bool> = (0..200).map(|_| take(&seat, Duration::ZERO).is_ok()).collect();
        done.store(true, Ordering::SeqCst);
        assert!(taken.iter().filter(|taken| !**taken).count() <= 10, "{taken:?}");
    });
}

#[test]
fn what_a_killed_process_left_holds_nobody() {
    let (folder, [seat, _]) = seats();
    let path = folder.path().join(format!("a.db{SUFFIX}"));
    for left in ["{\"process\": 1, \"description\": \"x\", \"since\": 0}", "", "damaged \u{0}"] {
        std::fs::write(&path, left).unwrap();
        assert_eq!(seat.holder(), None);
        let held = take(&seat, Duration::ZERO).unwrap();
        assert_eq!(seat.holder().unwrap().process, i64::from(std::process::id()));
        drop(held);
        assert!(!path.exists());
    }
}

#[test]
fn a_holder_that_cannot_be_read_is_unknown() {
    let (folder, [seat, _]) = seats();
    let path = folder.path().join(format!("a.db{SUFFIX}"));
    let file = File::create(&path).unwrap();
    file.lock().unwrap();
    assert_eq!(seat.holder().unwrap().description, "unknown");
    assert!(take(&seat, Duration::ZERO).unwrap_err().message().starts_with("process 0 (unknown) is migrating"));
}

#[test]
fn a_wait_ends_with_its_call() {
    let (_folder, [seat, _]) = seats();
    let _held = take(&seat, WAIT).unwrap();
    let late = Call { deadline: Some(Instant::now()), ..call() };
    let error = seat.take(&late, Duration::from_mins(1), &mut |_: &Event<'_>| {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[cfg(unix)]
#[test]
fn what_others_put_in_its_place_is_refused_at_once() {
    use std::os::unix::fs::symlink;

    let (folder, [seat, _]) = seats();
    let path = folder.path().join(format!("a.db{SUFFIX}"));
    let other = folder.path().join("other");
    let refusal = || {
        let error = take(&seat, Duration::from_mins(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(error.hint().unwrap().starts_with("remove it"), "{error:?}");
        assert_eq!(seat.holder(), None);
    };

    symlink(&other, &path).unwrap();
    refusal();
    assert!(!other.exists(), "nothing is made through a link");
    std::fs::write(&other, "theirs").unwrap();
    refusal();
    std::fs::remove_file(&path).unwrap();
    std::fs::hard_link(&other, &path).unwrap();
    refusal();
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "theirs");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    refusal();
    std::fs::remove_dir(&path).unwrap();
    take(&seat, Duration::ZERO).unwrap();
}

#[cfg(unix)]
#[test]
fn a_file_that_never_stays_counts_as_held() {
    let (folder, [seat, _]) = seats();
    let path = folder.path().join(format!("a.db{SUFFIX}"));
    let other = folder.path().join("other");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Whoever plays with it: a link now, a file then, nothing after that.
            while !done.load(Ordering::SeqCst) {
                let _ = std::os::unix::fs::symlink(&other, &path);
                let _ = std::fs::remove_file(&path);
                let _ = std::fs::write(&path, "");
                let _ = std::fs::remove_file(&path);
            }
        });
        for _ in 0..100 {
            let began = Instant::now();
            match take(&seat, Duration::from_millis(5)) {
                Ok(held) => drop(held),
                Err(error) => {
                    let is_locked = SchemaFault::of(&error) == Some(SchemaFault::Locked);
                    assert!(is_locked || error.kind() == ErrorKind::PermissionDenied, "{error}");
                }
            }
            assert!(began.elapsed() < Duration::from_secs(5));
            assert!(!other.exists(), "nothing is made through a link");
        }
        done.store(true, Ordering::SeqCst);
    });
}
