"""Does to memoric or to a store of LangGraph what the bench `rivals` asks for, and times it.

Reads a request in JSON from each line of standard input and answers on a line of standard output. Times are taken around
the one call of the library, with its arguments made before and its results looked at afterwards.
"""

import importlib.metadata
import json
import logging
import os
import sqlite3
import sys
import time
from datetime import datetime, timedelta, timezone

NAMESPACE = "bench"


class NotOffered(Exception):
    """Says what a library has no call for."""


def number_of(content):
    """Returns the number that the content of a memory begins with."""
    return int(content[7:15])


def created(memory):
    return datetime.fromtimestamp(memory["created"], timezone.utc)


class LangGraph:
    """Is a SqliteStore or PostgresStore, with the namespace ("bench", user, thread) and the metadata in the value."""

    def __init__(self, database, url, setup):
        if database == "sqlite":
            from langgraph.store.sqlite import SqliteStore as Store
        else:
            from langgraph.store.postgres import PostgresStore as Store
        self.sqlite = database == "sqlite"
        self.opened = Store.from_conn_string(url)
        self.store = self.opened.__enter__()
        if setup == "wal":
            self.store.conn.execute("PRAGMA journal_mode = WAL")
        self.store.setup()

    def about(self):
        package = "langgraph-checkpoint-" + ("sqlite" if self.sqlite else "postgres")
        return f"{package} {importlib.metadata.version(package)}, {self.durability()}"

    def durability(self):
        ask = self.store.conn.execute
        if self.sqlite:
            journal, synchronous = (ask(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous"))
            return f"SQLite {sqlite3.sqlite_version}, journal_mode = {journal}, synchronous = {synchronous}"
        return "fsync = {}, synchronous_commit = {}".format(
            *(next(iter(ask(f"SHOW {name}").fetchone().values())) for name in ("fsync", "synchronous_commit"))
        )

    def load(self, memories):
        puts = self.puts(memories)
        started = time.perf_counter_ns()
        self.store.batch(puts)
        taken = time.perf_counter_ns() - started
        # Their clock is the time of writing, to the second on SQLite: without an order of their own, the newest 10 of a
        # load would be any 10.
        times = [(created(memory), self.place(memory), memory["key"]) for memory in memories]
        if self.sqlite:
            texts = [(at.strftime("%Y-%m-%d %H:%M:%S"), place, key) for at, place, key in times]
            sql = "UPDATE store SET created_at = ?1, updated_at = ?1 WHERE prefix = ?2 AND key = ?3"
            self.store.conn.execute("BEGIN")
            self.store.conn.executemany(sql, [(at, ".".join(place), key) for at, place, key in texts])
            self.store.conn.execute("COMMIT")
        else:
            sql = "UPDATE store SET created_at = %s, updated_at = %s WHERE prefix = %s AND key = %s"
            with self.store.conn.transaction(), self.store.conn.cursor() as cursor:
                cursor.executemany(sql, [(at, at, ".".join(place), key) for at, place, key in times])
        return taken

    def settle(self):
        if self.sqlite:
            self.store.conn.execute("ANALYZE")
        else:
            # The times set above left a dead row each.
            self.store.conn.execute("VACUUM FULL store")
            self.store.conn.execute("ANALYZE store")

    def prepare(self, call):
        store, memories = self.store, call.get("memories")
        match call["do"]:
            case "put" if len(memories) == 1:
                (put,) = self.puts(memories)
                return lambda: store.put(put.namespace, put.key, put.value)
            case "put":
                puts = self.puts(memories)
                return lambda: store.batch(puts)
            case "put_expired":
                puts = [put._replace(ttl=-1.0) for put in self.puts(memories)]
                return lambda: store.batch(puts)
            case "set_metadata":
                (put,) = self.puts(memories)
                return lambda: store.put(put.namespace, put.key, put.value)
            case "delete" if len(memories) == 1:
                place, key = self.place(memories[0]), memories[0]["key"]
                return lambda: store.delete(place, key)
            case "delete":
                deletes = [put._replace(value=None) for put in self.puts(memories)]
                return lambda: store.batch(deletes)
            case "get" if len(memories) == 1:
                place, key = self.place(memories[0]), memories[0]["key"]
                return lambda: [store.get(place, key, refresh_ttl=False)]
            case "get":
                from langgraph.store.base import GetOp

                gets = [GetOp(self.place(memory), memory["key"], False) for memory in memories]
                return lambda: store.batch(gets)
            case "search":
                place = (NAMESPACE, *(call[part] for part in ("user", "thread") if call[part]))
                condition, limit = self.filter(call["where"]), call["limit"]
                return lambda: store.search(place, filter=condition, limit=limit, refresh_ttl=False)
            case "namespaces":
                return lambda: store.list_namespaces(max_depth=1)
            case "sweep":
                return store.sweep_ttl
            case other:
                raise NotOffered(other)

    after = prepare

    def answer(self, call, result):
        match call["do"]:
            case "get" | "search":
                return [number_of(item.value["content"]) for item in result]
            case "namespaces":
                return [name for (name,) in result]
            case "sweep":
                return result

    def place(self, memory):
        return (NAMESPACE, memory["user"], memory["thread"])

    def puts(self, memories):
        from langgraph.store.base import PutOp

        return [
            PutOp(self.place(memory), memory["key"], {"content": memory["content"], **memory["metadata"]})
            for memory in memories
        ]

    def filter(self, where):
        conditions = {}
        for condition in where:
            path = condition["path"]
            if len(path) > 1 and not self.sqlite:
                raise NotOffered("a condition below another key")
            # SqliteStore puts the key into an SQL/JSON path, where a dot leads deeper.
            key = ".".join(path)
            if "is" in condition:
                conditions[key] = condition["is"]
            elif "at_least" in condition:
                conditions[key] = {"$gte": condition["at_least"]}
            else:
                raise NotOffered("a condition on one element of a list")
        return conditions or None


class Memoric:
    """Is a Memoric, its memories loaded through its own table because it saves one at a time."""

    def __init__(self, database, url, _setup):
        # Else it would ask a language model about each memory.
        os.environ.pop("OPENAI_API_KEY", None)
        from memoric import Memoric

        dsn = f"sqlite:///{url}" if database == "sqlite" else url.replace("postgres://", "postgresql+psycopg://", 1)
        tiers = [{"name": "short_term", "expiry_days": 3650}, {"name": "long_term", "dsn": dsn}]
        overrides = {"storage": {"tiers": tiers}, "privacy": {"allow_shared_namespace": True}}
        self.sqlite = database == "sqlite"
        self.mem = Memoric(overrides=overrides)
        self.mem.initialize()
        self.ids = {}

    def about(self):
        return f"memoric {importlib.metadata.version('memoric')}, {self.durability()}"

    def durability(self):
        with self.mem.db.engine.connect() as connection:
            ask = lambda sql: connection.exec_driver_sql(sql).scalar()
            if self.sqlite:
                journal, synchronous = ask("PRAGMA journal_mode"), ask("PRAGMA synchronous")
                return f"SQLite {sqlite3.sqlite_version}, journal_mode = {journal}, synchronous = {synchronous}"
            return f"fsync = {ask('SHOW fsync')}, synchronous_commit = {ask('SHOW synchronous_commit')}"

    def load(self, memories):
        first = len(self.ids) + 1
        self.ids.update((memory["number"], id) for id, memory in enumerate(memories, first))
        rows = [
            {
                "id": self.ids[memory["number"]],
                "user_id": memory["user"],
                "namespace": NAMESPACE,
                "thread_id": memory["thread"],
                "content": memory["content"],
                "tier": "short_term",
                "score": 50,
                "metadata": memory["metadata"],
                "created_at": created(memory),
                "updated_at": created(memory),
            }
            for memory in memories
        ]
        with self.mem.db.engine.begin() as connection:
            connection.execute(self.mem.db.table.insert(), rows)
        return None

    def settle(self):
        with self.mem.db.engine.begin() as connection:
            if not self.sqlite:
                connection.exec_driver_sql("SELECT setval('memories_id_seq', (SELECT max(id) FROM memories))")
            connection.exec_driver_sql("ANALYZE")

    def prepare(self, call):
        mem, memories = self.mem, call.get("memories")
        match call["do"]:
            case "put" if len(memories) == 1:
                arguments = {
                    "user_id": memories[0]["user"],
                    "thread_id": memories[0]["thread"],
                    "content": memories[0]["content"],
                    "metadata": memories[0]["metadata"],
                    "namespace": NAMESPACE,
                }
                return lambda: mem.save(**arguments)
            case "set_metadata":
                id, metadata = self.ids[memories[0]["number"]], memories[0]["metadata"]
                return lambda: mem.db.update_metadata(memory_id=id, new_metadata=metadata)
            case "set_tier":
                ids, tier = [self.ids[memory["number"]] for memory in memories], call["tier"]
                return lambda: mem.db.update_tier(memory_ids=ids, new_tier=tier)
            case "search":
                arguments = {
                    "user_id": call["user"],
                    "thread_id": call["thread"],
                    "metadata_filter": self.filter(call["where"]),
                    "scope": "thread" if call["thread"] else "user",
                    "namespace": NAMESPACE,
                    "top_k": call["limit"],
                }
                return lambda: mem.retrieve(**arguments)
            case "count_tiers":
                return lambda: mem.inspect()["counts_by_tier"]
            case "put_expired":
                # Its expiry goes by the time of the last change.
                return lambda: None
            case "sweep":
                return mem.run_policies
            case other:
                raise NotOffered(other)

    def after(self, call):
        """Undoes a save, which memoric has no call for."""
        ids = [self.ids[memory["number"]] for memory in call["memories"]]
        table = self.mem.db.table

        def undo():
            with self.mem.db.engine.begin() as connection:
                connection.execute(table.delete().where(table.c.id.in_(ids)))

        return undo

    def answer(self, call, result):
        match call["do"]:
            case "put":
                self.ids[call["memories"][0]["number"]] = result
            case "search":
                return [number_of(row["content"]) for row in result]
            case "count_tiers":
                return result
            case "sweep":
                return result["migrated"]

    def filter(self, where):
        needle = {}
        for condition in where:
            if "at_least" in condition:
                raise NotOffered("a range")
            value = condition["is"] if "is" in condition else [condition["has"]]
            at = needle
            for key in condition["path"][:-1]:
                at = at.setdefault(key, {})
            at[condition["path"][-1]] = value
        return needle or None


def run(rival, steps):
    times, answers = [], []
    for step in steps:
        # What is not offered is known before anything is changed.
        timed = rival.prepare(step["call"])
        if step["before"]:
            rival.prepare(step["before"])()
        started = time.perf_counter_ns()
        result = timed()
        times.append(time.perf_counter_ns() - started)
        answers.append(rival.answer(step["call"], result))
        if step["after"]:
            rival.after(step["after"])()
    return {"ns": times, "answers": answers}


def main():
    # What a library prints must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    logging.disable(logging.CRITICAL)
    rival = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            match request["do"]:
                case "open":
                    name, _, setup = request["rival"].partition("+")
                    kind = {"langgraph": LangGraph, "memoric": Memoric}[name]
                    rival = kind(request["database"], request["url"], setup)
                    answer = {"about": rival.about()}
                case "load":
                    answer = {"ns": rival.load(request["memories"])}
                case "settle":
                    rival.settle()
                    answer = {}
                case "run":
                    answer = run(rival, request["steps"])
        except NotOffered as error:
            answer = {"not_offered": str(error)}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


main()
