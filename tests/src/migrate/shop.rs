//! The shop: an application on a database, with rows.

use std::process::Command;

use super::{Application, Brake, Database, Kind, Output, Running, SHOP};

/// How many rows of each kind a customer has.
const ORDERS: u32 = 2;
const ITEMS: u32 = 2;

/// Is a database and the migrations of an application on it.
#[derive(Debug)]
pub struct Shop {
    /// The database.
    pub database: Database,
    /// The migrations.
    pub application: Application,
}

impl Shop {
    /// Returns the shop on a database that holds nothing.
    ///
    /// # Panics
    ///
    /// If there can be none.
    pub fn fresh(kind: Kind) -> Self {
        Self { database: Database::fresh(kind), application: Application::shop() }
    }

    /// Returns the shop at its first version, with so many customers.
    ///
    /// # Panics
    ///
    /// If that fails.
    #[track_caller]
    pub fn open(kind: Kind, customers: u32) -> Self {
        let shop = Self::fresh(kind);
        shop.migrate(&["upgrade", SHOP[0]]).expect(0);
        shop.fill(customers);
        shop
    }

    /// Returns which dialect its database speaks.
    pub fn kind(&self) -> Kind {
        self.database.kind()
    }

    /// Runs `polymnia migrate` with these arguments and the application's migrations.
    ///
    /// # Panics
    ///
    /// If it can't be run.
    pub fn migrate(&self, arguments: &[&str]) -> Output {
        Output::of(self.command(arguments))
    }

    /// Returns a command that runs `polymnia migrate` with these arguments and the application's migrations.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.database.command(&self.arguments(arguments))
    }

    /// Starts `polymnia migrate` with these arguments, the application's migrations and events on standard output.
    ///
    /// # Panics
    ///
    /// If it can't be run.
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.database.start(&[&self.arguments(arguments)[..], &["--format", "ndjson"]].concat())
    }

    fn arguments<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [&["migrate"], arguments, &["--migrations", self.application.argument()]].concat()
    }

    /// Adds customers 1 to n, each with two orders of two items; the second item of each order costs nothing.
    ///
    /// # Panics
    ///
    /// If that fails.
    #[track_caller]
    pub fn fill(&self, customers: u32) {
        let (public, series) = match self.kind() {
            Kind::Sqlite => {
                ("", "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {}) SELECT")
            }
            Kind::Postgres => ("public.", "WITH s AS (SELECT generate_series(1, {}) AS n) SELECT"),
        };
        let from = |rows: u32| series.replace("{}", &rows.to_string());
        self.database.execute(&format!(
            "BEGIN;
             INSERT INTO {public}customers (id, email, name)
             {} n, 'c' || n || '@example.com', 'customer ' || n FROM s;
             INSERT INTO {public}orders (id, customer_id) {} n, 1 + (n - 1) / {ORDERS} FROM s;
             INSERT INTO {public}order_items (id, order_id, cents) {} n, 1 + (n - 1) / {ITEMS}, 100 * (n % 2) FROM s;
             COMMIT",
            from(customers),
            from(customers * ORDERS),
            from(customers * ORDERS * ITEMS),
        ));
    }

    /// Fails unless the rows are as they must be at the newest version: no row lost, ten points given to each customer
    /// once, and a cent added to each price once.
    ///
    /// # Panics
    ///
    /// If they are not.
    #[track_caller]
    pub fn assert_whole(&self, customers: u32) {
        let count = |what: &str| self.database.number(&format!("SELECT count(*) FROM {what}"));
        let (customers, orders) = (i64::from(customers), i64::from(customers * ORDERS));
        assert_eq!(count("customers"), customers);
        assert_eq!(count("customers WHERE points = 10"), customers, "each customer has ten points");
        assert_eq!(count("orders"), orders, "no child row is lost");
        assert_eq!(count("order_items WHERE cents = 101"), orders, "a cent was added once");
        assert_eq!(count("order_items"), orders * i64::from(ITEMS), "no grandchild row is lost");
    }

    /// Puts the brake before a statement of a version, starts the upgrade and returns once it is held there.
    ///
    /// # Panics
    ///
    /// If the upgrade ends before.
    #[track_caller]
    pub fn start_held(&self, version: &str, index: usize) -> (Brake<'_>, Running) {
        let rebuilds = self.application.statements(self.kind(), version)[0].starts_with("PRAGMA");
        self.application.insert(self.kind(), version, index, Brake::statement(self.kind()));
        let brake = Brake::on(&self.database);
        let mut running = self.start(&["upgrade"]);
        match self.kind() {
            Kind::Postgres => brake.until_held(),
            Kind::Sqlite => {
                // The engine skips the pragma that a rebuild begins with.
                let before = if rebuilds { index - 1 } else { index };
                let event = running.event(|event| {
                    let version = event["version"] == version || event["step"]["version"] == version;
                    let at = match before {
                        0 => event["event"] == "step_started",
                        _ => event["event"] == "statement" && event["index"] == index,
                    };
                    version && at
                });
                assert!(event.is_some(), "the upgrade ended by itself: {:?}", running.finish());
            }
        }
        (brake, running)
    }
}
