//! The server as its users see it.

use std::{
    env, fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use diesel::{
    Connection, PgConnection, RunQueryDsl,
    connection::SimpleConnection,
    dsl::sql,
    sql_types::{Integer, Text},
};

use super::{
    DatabaseOptions, OLDEST_VERSION, ServerError, ServerOptions, TestDatabase, URL_VARIABLE, address::Address, cluster,
    installation::Installation, supervisor::Supervisor,
};

/// A PostgreSQL server and the login of a role that may create databases.
///
/// A private server ends when this value and all its [`TestDatabase`]s are dropped, or with the process.
#[derive(Debug)]
pub struct Server {
    inner: Arc<Inner>,
}

impl Server {
    /// Opens the server that [`URL_VARIABLE`] names or, without that variable, starts a private one.
    ///
    /// Tests share one through [`shared`](super::shared).
    ///
    /// # Errors
    ///
    /// When no server can be had, saying what to install or set.
    pub fn open() -> Result<Self, ServerError> {
        match env::var(URL_VARIABLE) {
            Ok(url) => Self::reached(Address::parse(&url)?, None),
            Err(env::VarError::NotPresent) => Self::start_private(&Installation::find()?, &ServerOptions::default()),
            Err(env::VarError::NotUnicode(_)) => Err(ServerError::new(format!("{URL_VARIABLE} is not UTF-8"))),
        }
    }

    /// Starts a private server with settings of its own.
    ///
    /// # Errors
    ///
    /// When [`URL_VARIABLE`] is set, because then no server is to be started; when there is no server to start; when it
    /// does not start, with the end of its log.
    pub fn start(options: &ServerOptions) -> Result<Self, ServerError> {
        if env::var_os(URL_VARIABLE).is_some() {
            return Err(ServerError::new(format!(
                "this needs a server of its own settings and {URL_VARIABLE} forbids to start one, unset it"
            )));
        }
        Self::start_private(&Installation::find()?, options)
    }

    /// Starts a hot standby of this server, which follows it and only reads.
    ///
    /// # Errors
    ///
    /// When this server is not a private one, or when there is none to start; when it does not start, with the end of its
    /// log.
    pub fn standby(&self) -> Result<Self, ServerError> {
        if !self.is_private() {
            return Err(ServerError::new(format!("a standby needs a server of its own, unset {URL_VARIABLE}")));
        }
        let installation = Installation::find()?;
        let (supervisor, address) =
            cluster::start(&installation, &ServerOptions::default(), Some(&self.inner.address))?;
        Self::reached(address, Some(supervisor))
    }

    /// Creates an empty database with a name of its own.
    ///
    /// # Panics
    ///
    /// When the server refuses, with its reason.
    pub fn create_database(&self) -> TestDatabase {
        self.create_database_with(&DatabaseOptions::default()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Creates an empty database of another encoding or locale.
    ///
    /// # Errors
    ///
    /// When the server refuses, as it does an encoding that does not suit the locale.
    pub fn create_database_with(&self, options: &DatabaseOptions) -> Result<TestDatabase, ServerError> {
        TestDatabase::create(&self.inner, options)
    }

    /// Runs statements, separated by semicolons, in one of the server's databases.
    ///
    /// # Errors
    ///
    /// When one of them fails; the ones before it are undone, unless they managed transactions themselves.
    pub fn sql(&self, database: &str, sql: &str) -> Result<(), ServerError> {
        self.inner.sql(database, sql)
    }

    /// Opens a connection to one of the server's databases.
    ///
    /// # Errors
    ///
    /// When the server refuses it.
    pub fn connect(&self, database: &str) -> Result<PgConnection, ServerError> {
        self.inner.connect(database)
    }

    /// Returns the URL of one of the server's databases, whose name must not need percent-encoding. It holds the password.
    pub fn url(&self, database: &str) -> String {
        self.inner.url(database)
    }

    /// Returns the host: 127.0.0.1 for a private server.
    pub fn host(&self) -> &str {
        self.inner.address.host()
    }

    /// Returns the TCP port.
    pub fn port(&self) -> u16 {
        self.inner.address.port()
    }

    /// Returns the role that the URLs log in as: `postgres`, a superuser, for a private server.
    pub fn user(&self) -> &str {
        self.inner.address.user()
    }

    /// Returns that role's password. Empty if [`URL_VARIABLE`] has none.
    pub fn password(&self) -> &str {
        self.inner.address.password()
    }

    /// Returns the folder of the Unix socket. A server of [`URL_VARIABLE`] has one only if its host is a folder.
    pub fn socket_dir(&self) -> Option<&Path> {
        self.inner.address.socket_dir()
    }

    /// Returns the major version, such as 18.
    pub fn version(&self) -> u32 {
        self.inner.version
    }

    /// Returns whether this process started the server, so that it may change settings and break things.
    pub fn is_private(&self) -> bool {
        self.inner.is_private()
    }

    /// Starts a private server of these programs, whatever the environment says.
    pub(super) fn start_private(installation: &Installation, options: &ServerOptions) -> Result<Self, ServerError> {
        let (supervisor, address) = cluster::start(installation, options, None)?;
        let server = Self::reached(address, Some(supervisor))?;
        if let Some(locale) = options.lc_messages() {
            server.inner.expect_language(locale)?;
        }
        Ok(server)
    }

    /// Connects to a running server, which is a private one if it comes with its supervisor.
    pub(super) fn reached(address: Address, supervisor: Option<Supervisor>) -> Result<Self, ServerError> {
        let mut inner = Inner { administrators: Mutex::new(Vec::new()), address, version: 0, supervisor };
        let mut connection = inner.connect(inner.address.database())?;
        let number: i32 = diesel::select(sql::<Integer>("current_setting('server_version_num')::int"))
            .get_result(&mut connection)
            .map_err(|error| ServerError::because("could not ask for the server's version", error))?;
        inner.version = number.unsigned_abs() / 10_000;
        if inner.version < OLDEST_VERSION {
            let version = inner.version;
            return Err(ServerError::new(format!(
                "{URL_VARIABLE} is a PostgreSQL {version}, expected {OLDEST_VERSION} or later"
            )));
        }
        inner.give_back(connection);
        Ok(Self { inner: Arc::new(inner) })
    }
}

/// What a server and its databases share.
pub(super) struct Inner {
    // Before the supervisor, because fields are dropped in order: connections close while there is a server to tell.
    /// Idle connections to the server's own database. Logging in costs some milliseconds.
    administrators: Mutex<Vec<PgConnection>>,
    address: Address,
    version: u32,
    /// The private server, or nothing if the server is somebody else's.
    supervisor: Option<Supervisor>,
}

impl Inner {
    pub(super) fn is_private(&self) -> bool {
        self.supervisor.is_some()
    }

    pub(super) fn url(&self, database: &str) -> String {
        self.address.url(database)
    }

    pub(super) fn connect(&self, database: &str) -> Result<PgConnection, ServerError> {
        PgConnection::establish(&self.url(database)).map_err(|error| {
            let (host, port) = (self.address.host(), self.address.port());
            ServerError::because(format!("could not connect to database {database} of {host}:{port}"), error)
        })
    }

    pub(super) fn sql(&self, database: &str, sql: &str) -> Result<(), ServerError> {
        execute(&mut self.connect(database)?, sql)
    }

    /// Runs one statement on the server as a whole.
    pub(super) fn administer(&self, statement: &str) -> Result<(), ServerError> {
        let idle = self.administrators.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect(self.address.database())?,
        };
        execute(&mut connection, statement)?;
        // After an error the connection is dropped instead, as it may be the connection that is broken.
        self.give_back(connection);
        Ok(())
    }

    fn give_back(&self, connection: PgConnection) {
        self.administrators.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    /// Fails if the server answers in English, except where English was asked for.
    fn expect_language(&self, locale: &str) -> Result<(), ServerError> {
        if locale.starts_with("en") || ["C", "POSIX"].contains(&locale.split('.').next().unwrap_or(locale)) {
            return Ok(());
        }
        let mut connection = self.connect(self.address.database())?;
        let answer = diesel::select(sql::<Text>("(1 / 0)::text")).get_result::<String>(&mut connection);
        match answer {
            Err(error) if error.to_string() != "division by zero" => Ok(()),
            _ => Err(ServerError::new(format!(
                "a server of PostgreSQL {} set to {locale} speaks English, so it was built without translations; set \
                 {} to one with them",
                self.version,
                super::BIN_VARIABLE
            ))),
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { administrators: _, address, version, supervisor } = self;
        f.debug_struct("Inner")
            .field("address", address)
            .field("version", version)
            .field("supervisor", supervisor)
            .finish_non_exhaustive()
    }
}

fn execute(connection: &mut PgConnection, sql: &str) -> Result<(), ServerError> {
    connection.batch_execute(sql).map_err(|error| ServerError::because("the server refused a statement", error))
}
