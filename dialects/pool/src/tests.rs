use std::sync::atomic::{AtomicU32, Ordering};

use polymnia::{ConnectionString, OpenOptions, PoolOptions, Timestamp};

use super::*;

#[derive(Debug, Default)]
struct Fake {
    connects: AtomicU32,
    checks: AtomicU32,
    /// The error of the connects after the first.
    later: Option<Retry>,
    /// How many of the first connects fail with `Retry::Safe`.
    starting_up: u32,
}

impl Connector for Fake {
    type Connection = u32;

    fn connect(&self) -> Result<u32> {
        let number = self.connects.fetch_add(1, Ordering::SeqCst);
        if number < self.starting_up {
            return Err(Error::new(ErrorKind::Unavailable, "starting up").with_retry(Retry::Safe));
        }
        match self.later {
            Some(retry) if number > 0 => Err(Error::new(ErrorKind::PermissionDenied, "no more").with_retry(retry)),
            _ => Ok(number),
        }
    }

    fn check(&self, _: &mut u32) -> Result<()> {
        self.checks.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn is_broken(&self, _: &mut u32) -> bool {
        false
    }
}

fn settings(url: &str) -> Settings {
    let options = OpenOptions::new(ConnectionString::new(url)).with_pool(PoolOptions::default());
    let (_, mut parameters) = options.url().split_parameters().unwrap();
    options.resolve(&mut parameters).unwrap()
}

fn call() -> Call {
    Call::at(Timestamp::MIN)
}

#[test]
fn the_first_connection_is_used_and_not_checked_while_fresh() {
    let pool = Pool::open(Fake::default(), &settings("x://?pool_max_size=1")).unwrap();
    for _ in 0..3 {
        assert_eq!(*pool.acquire(&call()).unwrap(), 0);
    }
    assert_eq!(pool.connector().connects.load(Ordering::SeqCst), 1);
    assert_eq!(pool.connector().checks.load(Ordering::SeqCst), 0);
}

#[test]
fn open_tries_again_what_may_succeed() {
    let fake = Fake { starting_up: 3, ..Fake::default() };
    let pool = Pool::open(fake, &settings("x://?pool_max_size=1&connect_timeout=5s")).unwrap();
    assert_eq!(pool.connector().connects.load(Ordering::SeqCst), 4);
}

#[test]
fn open_ends_with_its_time() {
    let fake = Fake { starting_up: u32::MAX, ..Fake::default() };
    let error = Pool::open(fake, &settings("x://?connect_timeout=100ms")).unwrap_err();
    assert_eq!((error.message(), error.retry()), ("starting up", Retry::Exhausted));
}

#[test]
fn a_full_pool_is_said_to_be_full() {
    let pool = Pool::open(Fake::default(), &settings("x://?pool_max_size=1&pool_acquire_timeout=50ms")).unwrap();
    let held = pool.acquire(&call()).unwrap();
    let error = pool.acquire(&call()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.context_value("pool_max_size"), Some("1"));
    drop(held);
    assert!(pool.acquire(&call()).is_ok());
}

#[test]
fn a_failure_for_good_ends_the_wait_at_once() {
    let fake = Fake { later: Some(Retry::Never), ..Fake::default() };
    let pool = Pool::open(fake, &settings("x://?pool_max_size=2&pool_acquire_timeout=60s")).unwrap();
    let _held = pool.acquire(&call()).unwrap();
    let started = Instant::now();
    let error = pool.acquire(&call()).unwrap_err();
    assert_eq!(error.message(), "no more");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_wait_ends_with_its_call() {
    let pool = Pool::open(Fake::default(), &settings("x://?pool_max_size=1&pool_acquire_timeout=60s")).unwrap();
    let _held = pool.acquire(&call()).unwrap();
    let late = Call { deadline: Some(Instant::now() + Duration::from_millis(30)), ..call() };
    assert_eq!(pool.acquire(&late).unwrap_err().kind(), ErrorKind::Timeout);
}

#[test]
fn everyone_who_waits_is_told_why() {
    let fake = Fake { later: Some(Retry::Never), ..Fake::default() };
    let pool = Pool::open(fake, &settings("x://?pool_max_size=2&pool_acquire_timeout=60s")).unwrap();
    let _held = pool.acquire(&call()).unwrap();
    let told = std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..4).map(|_| scope.spawn(|| pool.acquire(&call()).map(drop))).collect();
        waiting.into_iter().map(|thread| thread.join().unwrap().unwrap_err().message().to_owned()).collect::<Vec<_>>()
    });
    assert_eq!(told, ["no more"; 4]);
}
