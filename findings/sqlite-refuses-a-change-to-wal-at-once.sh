#!/usr/bin/env bash
# SQLite 3.40.1 (Python 3.11 of Debian 12), and the same with the SQLite that rusqlite 0.41 brings.
#
# Behaviour: `PRAGMA journal_mode=WAL` on a new file answers "database is locked" at once to some of those who run
#   it at the same time, although each set a busy time-out of 5 s first: each holds the shared lock and wants the
#   exclusive one, so SQLite does not call the busy handler.
# Likely guess: after `PRAGMA busy_timeout=5000` every lock is waited for up to 5 s.
# Seen: 5 of 1,200 processes, long before 5 s.
# Way out: try the change to WAL again within a bound.
set -euo pipefail
exec python3 - <<'PY'
import collections, multiprocessing, sqlite3, tempfile, time


def open_file(path, begin, answers):
    begin.wait()
    began, opened = time.monotonic(), []
    try:
        for _ in range(6):
            connection = sqlite3.connect(path, timeout=5, isolation_level=None)
            opened.append(connection)
            connection.execute("PRAGMA busy_timeout=5000")
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
        answers.put("opened")
    except sqlite3.OperationalError as error:
        answers.put(f"{error}, after less than {int(time.monotonic() - began) + 1} s")


seen = collections.Counter()
for _ in range(150):
    with tempfile.TemporaryDirectory() as folder:
        begin, answers = multiprocessing.Barrier(8), multiprocessing.Queue()
        arguments = (f"{folder}/file", begin, answers)
        processes = [multiprocessing.Process(target=open_file, args=arguments) for _ in range(8)]
        for process in processes:
            process.start()
        seen.update(answers.get() for _ in processes)
        for process in processes:
            process.join()
print(f"SQLite {sqlite3.sqlite_version}")
for answer, times in seen.items():
    print(f"{times:6} {answer}")
PY
