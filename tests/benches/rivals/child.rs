//! A rival in a Python process of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::plan::Step;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/rivals/rivals.py");

/// Is a rival on one database.
pub(crate) struct Rival {
    pub(crate) name: &'static str,
    /// Its version and how durably it writes.
    pub(crate) about: String,
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// Is what became of a request to run some steps.
pub(crate) enum Ran {
    /// The time and the answer of each call.
    Done(Vec<(Duration, Value)>),
    /// It has no such call.
    NotOffered,
    /// The call failed, with its message.
    Failed(String),
}

impl Rival {
    /// Starts the rival. A name with a plus says how its connection is set up otherwise than it is by default.
    pub(crate) fn open(python: &str, name: &'static str, database: &str, url: &str) -> Self {
        let mut process = Command::new(python)
            .arg(SCRIPT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("POLYMNIA_BENCH_PYTHON {python} does not start: {error}"));
        let requests = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut rival = Self { name, about: String::new(), process, requests, answers };
        let opened = rival.must(&json!({"do": "open", "rival": name, "database": database, "url": url}));
        opened["about"].as_str().expect("it says what it is").clone_into(&mut rival.about);
        rival
    }

    /// Returns whether it is measured on writes alone: on reads it is another rival's equal.
    pub(crate) fn writes_only(&self) -> bool {
        self.name == "langgraph+wal"
    }

    /// Stores memories and returns how long it took, unless it is not the rival's own way of storing many.
    pub(crate) fn load(&mut self, memories: &[Value]) -> Option<Duration> {
        self.must(&json!({"do": "load", "memories": memories}))["ns"].as_u64().map(Duration::from_nanos)
    }

    /// Compacts and analyses what was loaded.
    pub(crate) fn settle(&mut self) {
        self.must(&json!({"do": "settle"}));
    }

    pub(crate) fn run(&mut self, steps: &[Step]) -> Ran {
        let steps: Vec<Value> = steps.iter().map(Step::to_json).collect();
        let mut answer = self.ask(&json!({"do": "run", "steps": steps}));
        if answer.get("not_offered").is_some() {
            return Ran::NotOffered;
        }
        if let Some(message) = answer["failed"].as_str() {
            return Ran::Failed(message.to_owned());
        }
        let answers = answer["answers"].as_array_mut().map(std::mem::take).expect("one for each step");
        let times = answer["ns"].as_array().expect("one for each step").iter();
        let times = times.map(|ns| Duration::from_nanos(ns.as_u64().expect("a time")));
        Ran::Done(times.zip(answers).collect())
    }

    fn must(&mut self, request: &Value) -> Value {
        let answer = self.ask(request);
        assert!(answer["failed"].is_null(), "{}: {}", self.name, answer["failed"]);
        answer
    }

    fn ask(&mut self, request: &Value) -> Value {
        let requests = self.requests.as_mut().expect("the pipe is open until it is dropped");
        let mut line = String::new();
        let asked = writeln!(requests, "{request}").and_then(|()| requests.flush());
        asked.and_then(|()| self.answers.read_line(&mut line)).expect("the process of a rival lives");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{} ended, see above", self.name))
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.requests.take());
        let _ = self.process.wait();
    }
}
