//! The fake as a session.

use std::collections::BTreeMap;

use super::{Data, Failing, Fake, World};
use crate::schema::{
    BatchDone, BatchRequest, Begin, Entry, Ledger, LogEntry, Orphans, Snapshot, State, StatementError, Version,
};
use crate::spi::SchemaSession;
use crate::{Call, Error, ErrorKind, Result, Retry};

/// Is a session of the fake.
#[derive(Debug)]
pub(super) struct FakeSession {
    fake: Fake,
    /// What the transaction that is open has made of the data.
    open: Option<Data>,
    /// Whether the process is dead.
    dead: bool,
}

impl FakeSession {
    pub(super) fn new(fake: Fake) -> Self {
        Self { fake, open: None, dead: false }
    }

    /// Counts a call and lets it fail if it is to. What a call does to the data outside a transaction is committed at once.
    fn call<T>(&mut self, call: Option<&Call>, act: impl FnOnce(&mut Data) -> Result<T>) -> Result<T> {
        if self.dead {
            return Err(lost());
        }
        if let Some(call) = call {
            call.check()?;
        }
        let failing = self.count();
        match failing {
            Some(Failing::DiesBefore) => return Err(self.die()),
            Some(Failing::Refused) => return Err(Error::new(ErrorKind::Unexpected, "the database refuses")),
            Some(Failing::DiesAfter) | None => {}
        }
        let done = if let Some(data) = &mut self.open {
            act(data)
        } else {
            let mut world = self.fake.world();
            let mut data = world.data.clone();
            let done = act(&mut data);
            if done.is_ok() {
                world.data = data;
            }
            done
        };
        if failing.is_some() { Err(self.die()) } else { done }
    }

    fn count(&mut self) -> Option<Failing> {
        let mut world = self.fake.world();
        let nth = world.calls;
        world.calls += 1;
        let failing = world.fail.filter(|(at, _)| *at == nth).map(|(_, how)| how);
        world.failed |= failing.is_some();
        failing
    }

    fn die(&mut self) -> Error {
        self.open = None;
        self.dead = true;
        self.fake.world().in_transaction = false;
        lost()
    }

    fn has_transaction(&self) -> bool {
        self.open.is_some()
    }

    /// Builds an index outside a transaction: what interrupts it leaves it half-made.
    fn build_index(&mut self, call: &Call, statement: &str, name: &str) -> Result<u64> {
        let next = self.fake.world().calls;
        let interrupted = self.fake.world().fail.is_some_and(|(at, how)| at == next && how != Failing::DiesAfter);
        let broken = broken(&self.fake.world(), statement);
        let table = statement.split(' ').skip_while(|word| *word != "ON").nth(1).unwrap_or_default();
        let name = name.to_owned();
        if interrupted || broken.is_some() {
            let exists = {
                let world = self.fake.world();
                world.data.has_index(&name) || world.data.invalid.contains_key(&name)
            };
            if !exists {
                self.fake.world().data.invalid.insert(name, table.to_owned());
            }
        }
        self.call(Some(call), |data| match broken {
            Some(error) => Err(error),
            None => data.execute(statement),
        })
    }
}

impl Drop for FakeSession {
    fn drop(&mut self) {
        let mut world = self.fake.world();
        world.locked = false;
        world.in_transaction = false;
    }
}

impl SchemaSession for FakeSession {
    fn is_one_transaction(&self) -> bool {
        self.fake.world().pooled
    }

    fn prepare(&mut self, call: &Call) -> Result<bool> {
        self.call(Some(call), |data| {
            let created = data.diesel.is_none();
            data.diesel.get_or_insert_default();
            data.entries.get_or_insert_default();
            Ok(created)
        })
    }

    fn ledger(&mut self, call: &Call) -> Result<Ledger> {
        self.call(Some(call), |data| Ok(data.ledger()))
    }

    fn snapshot(&mut self, call: &Call) -> Result<Snapshot> {
        self.call(Some(call), |data| Ok(data.snapshot()))
    }

    fn begin(&mut self, call: &Call, _: Begin) -> Result<()> {
        assert!(!self.has_transaction(), "a transaction is open");
        let data = self.call(Some(call), |data| Ok(data.clone()))?;
        self.open = Some(data);
        self.fake.world().in_transaction = true;
        Ok(())
    }

    fn commit(&mut self, call: &Call) -> Result<()> {
        assert!(self.dead || self.has_transaction(), "no transaction is open");
        call.check()?;
        let data = self.open.clone();
        let failing = self.count();
        match (failing, data) {
            (Some(Failing::DiesBefore), _) => Err(self.die()),
            (Some(Failing::Refused), _) => Err(Error::new(ErrorKind::Unexpected, "the database refuses")),
            (_, None) => Err(lost()),
            (failing, Some(data)) => {
                {
                    let mut world = self.fake.world();
                    world.data = data;
                    world.in_transaction = false;
                }
                self.open = None;
                match failing {
                    Some(_) => Err(self.die().with_retry(Retry::Ambiguous)),
                    None => Ok(()),
                }
            }
        }
    }

    fn rollback(&mut self) -> Result<()> {
        self.open = None;
        self.fake.world().in_transaction = false;
        if self.dead { Err(lost()) } else { Ok(()) }
    }

    fn execute(&mut self, call: &Call, statement: &str) -> Result<u64, StatementError> {
        let busy = {
            let mut world = self.fake.world();
            let busy = world.busy.iter_mut().find(|(part, times)| statement.contains(*part) && **times > 0);
            busy.map(|(_, times)| *times -= 1).is_some()
        };
        if busy {
            let error = Error::new(ErrorKind::Unavailable, "canceling statement due to lock timeout");
            return Err(StatementError { error, offset: None, lock_timeout: true });
        }
        let alone = statement.contains("CONCURRENTLY") || statement.contains("VACUUM");
        if alone && self.has_transaction() {
            return Err(Error::new(ErrorKind::Unexpected, "it can't run inside a transaction block").into());
        }
        if statement.starts_with("CREATE") && alone {
            let name = statement.split(' ').skip_while(|word| *word != "CONCURRENTLY").nth(1).unwrap_or_default();
            return Ok(self.build_index(call, statement, name)?);
        }
        let broken = broken(&self.fake.world(), statement);
        if broken.is_some() && statement.starts_with("REINDEX") {
            let mut world = self.fake.world();
            let left = world.leaves_invalid.take();
            world.data.invalid.extend(left);
        }
        let done = self.call(Some(call), |data| match broken {
            Some(error) => Err(error),
            None => data.execute(statement),
        });
        done.map_err(|error| StatementError {
            offset: (error.kind() == ErrorKind::Conflict).then_some(7),
            error,
            lock_timeout: false,
        })
    }

    fn batch(&mut self, call: &Call, request: &BatchRequest<'_>) -> Result<BatchDone, StatementError> {
        assert!(self.dead || self.has_transaction(), "no transaction is open");
        let first = request.after.map_or(0, |key| key.parse::<usize>().unwrap() + 1);
        let (table, rows) = (request.table.to_owned(), request.rows as usize);
        Ok(self.call(Some(call), |data| {
            let all = data.rows.get_mut(&table).ok_or_else(|| super::missing(&table))?;
            let total = all.len() as u64;
            let end = (first + rows).min(all.len());
            all[first..end].iter_mut().for_each(|times| *times += 1);
            let looked_at = (end - first) as u64;
            Ok(BatchDone {
                key: (looked_at > 0).then(|| (end - 1).to_string()),
                looked_at,
                changed: looked_at,
                total: request.after.is_none().then_some(total),
            })
        })?)
    }

    fn record(&mut self, call: &Call, entry: &Entry) -> Result<()> {
        self.call(Some(call), |data| {
            let version = entry.version.to_string();
            let diesel = data.diesel.as_mut().expect("prepared");
            match entry.state {
                State::Applied | State::Reverting => diesel.insert(version),
                State::Running | State::Failed => diesel.remove(&version),
            };
            data.entries.as_mut().expect("prepared").insert(entry.version.clone(), entry.clone());
            Ok(())
        })
    }

    fn forget(&mut self, call: &Call, version: &Version) -> Result<()> {
        self.call(Some(call), |data| {
            data.diesel.as_mut().expect("prepared").remove(version.as_str());
            data.entries.as_mut().expect("prepared").remove(version);
            Ok(())
        })
    }

    fn log(&mut self, call: &Call, line: &LogEntry) -> Result<()> {
        self.call(Some(call), |data| {
            data.log.push(line.clone());
            Ok(())
        })
    }

    fn dismantle(&mut self, call: &Call) -> Result<()> {
        self.call(Some(call), |data| {
            data.diesel = None;
            data.entries = None;
            data.log.clear();
            Ok(())
        })
    }

    fn invalid_indexes(&mut self, call: &Call) -> Result<Vec<String>> {
        self.call(Some(call), |data| Ok(data.invalid.keys().map(|name| format!("fake.{name}")).collect()))
    }

    fn drop_invalid_index(&mut self, call: &Call, name: &str) -> Result<(), StatementError> {
        let name = name.trim_start_matches("fake.").to_owned();
        self.call(
            Some(call),
            |data| if data.invalid.remove(&name).is_some() { Ok(()) } else { Err(super::missing(&name)) },
        )?;
        Ok(())
    }

    fn has_index(&mut self, call: &Call, name: &str) -> Result<bool> {
        self.call(Some(call), |data| Ok(data.has_index(name)))
    }

    fn row_counts(&mut self, call: &Call) -> Result<BTreeMap<String, u64>> {
        self.call(Some(call), |data| {
            Ok(data.rows.iter().map(|(table, rows)| (table.clone(), rows.len() as u64)).collect())
        })
    }

    fn orphans(&mut self, call: &Call) -> Result<Vec<Orphans>> {
        self.call(Some(call), |data| Ok(data.orphans.clone()))
    }
}

fn broken(world: &World, statement: &str) -> Option<Error> {
    let broken = world.broken.iter().find(|(part, _)| statement.contains(*part));
    broken.map(|(_, message)| Error::new(ErrorKind::Conflict, message.clone()))
}

fn lost() -> Error {
    Error::new(ErrorKind::Unavailable, "the connection was lost").with_retry(Retry::Safe)
}
