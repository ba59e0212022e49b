//! The memories that are measured on.

use polymnia::{Memory, MemoryId, MemoryStore, Mutation, Namespace, OnConflict, Record, Timestamp, Upkeep};

/// How many memories are written at a time.
pub(crate) const BATCH: usize = 5_000;

/// Is a set of memories that is made the same each time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Corpus {
    pub(crate) memories: usize,
    pub(crate) namespaces: usize,
    pub(crate) metadata: MetadataSize,
    pub(crate) times: Times,
}

/// Is how large the metadata of a memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetadataSize {
    /// 255 bytes, 14 leaves.
    Usual,
    /// 2 KB: the same, and a long text.
    Large,
}

/// Is when the memories came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    /// One after the other.
    InOrder,
    /// All at once.
    One,
    /// In another order than they are stored in.
    BackDated,
}

impl Corpus {
    /// Returns memories of one namespace with usual metadata, one after the other.
    pub(crate) fn usual(memories: usize) -> Self {
        Self { memories, namespaces: 1, metadata: MetadataSize::Usual, times: Times::InOrder }
    }

    /// Returns the namespace of memory `number`.
    pub(crate) fn namespace(&self, number: usize) -> Namespace {
        let of =
            if self.namespaces == 1 { 0 } else { usize::try_from(mixed(number) >> 64).unwrap_or(0) % self.namespaces };
        Namespace::new(format!("bench-{of:04}")).expect("a valid name")
    }

    /// Returns memory `number`: 120 bytes of content.
    pub(crate) fn memory(&self, number: usize) -> Memory {
        let content = "what was said, and what it may mean for the next time they meet. ".repeat(2);
        let line = format!(
            r#"{{"user_id":"user-{:02}","agent_id":"agent","thread_id":"thread-{:02}","content":"memory {number:>8}: {}","metadata":{}}}"#,
            number % 20,
            number / 20 % 10,
            content.get(..103).unwrap_or_default(),
            self.metadata(number),
        );
        let second = match self.times {
            Times::InOrder => number,
            Times::One => 0,
            // A permutation: the factor has no divisor in common with any size that is a power of ten.
            Times::BackDated => number * 7_919 % self.memories,
        };
        let micros = 1_700_000_000_000_000 + 1_000_000 * i64::try_from(second).expect("small");
        let created = Timestamp::from_micros(micros).expect("in range");
        Record::parse(&line).expect("a valid line").into_memory(created, || id(number))
    }

    /// Loads the memories and readies the database for queries.
    pub(crate) fn load(&self, store: &MemoryStore) {
        store.migrate().expect("an empty database migrates");
        self.batches(|namespace, memories| {
            let batch = restores(memories);
            store.load(namespace, &batch).expect("the sample loads");
        });
        store.admin().optimize(Upkeep::Full).expect("a loaded database can be optimised");
    }

    /// Visits the memories in batches of one namespace each.
    pub(crate) fn batches(&self, mut visit: impl FnMut(&Namespace, Vec<Memory>)) {
        let mut numbers: Vec<Vec<usize>> = vec![Vec::new(); self.namespaces];
        let names: Vec<Namespace> =
            (0..self.namespaces).map(|of| Namespace::new(format!("bench-{of:04}")).expect("a valid name")).collect();
        for number in 0..self.memories {
            let of = names.binary_search(&self.namespace(number)).expect("one of them");
            numbers[of].push(number);
        }
        for (name, numbers) in names.iter().zip(numbers) {
            for chunk in numbers.chunks(BATCH) {
                visit(name, chunk.iter().map(|number| self.memory(*number)).collect());
            }
        }
    }

    fn metadata(&self, number: usize) -> String {
        let large = match self.metadata {
            MetadataSize::Usual => String::new(),
            MetadataSize::Large => format!(r#","notes":"{}""#, format!("{number:>9} ").repeat(175)),
        };
        format!(
            r#"{{"role":"user","lang":"en","turn":{turn},"session":{session},"topic":"topic-{topic}","score":{score}.25,"seen":true,"source":{{"app":"chat","build":"{build}","region":"eu"}},"tags":["t{tag}","all","x{number}"],"customer":"c{customer:06}"{large}}}"#,
            turn = number % 40,
            session = number / 40,
            topic = number % 6,
            score = number % 100,
            build = number % 1_000,
            tag = number % 50,
            customer = number % 10_000,
        )
    }
}

/// Returns the id of memory `number`, spread over the key as random UUIDs are.
pub(crate) fn id(number: usize) -> MemoryId {
    MemoryId::from_bytes(mixed(number).to_be_bytes())
}

/// Returns what writes these memories into an empty database.
pub(crate) fn restores(memories: Vec<Memory>) -> Vec<Mutation> {
    memories.into_iter().map(|memory| Mutation::Restore { memory, on_conflict: OnConflict::Fail }).collect()
}

fn mixed(number: usize) -> u128 {
    (number as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
}
