-- Training jobs. `number` gives the order of creation; ids are for the outside. Which states there are is checked when a row is read.
CREATE TABLE jobs (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id       TEXT    NOT NULL UNIQUE,
    display_name TEXT    NOT NULL,
    owner        TEXT    NOT NULL,
    dataset_id   TEXT    NOT NULL,
    dataset_etag TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    etag         TEXT    NOT NULL,
    created      INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_by_owner ON jobs (owner, number);

-- Which job an idempotent request made.
CREATE TABLE requests (
    owner       TEXT    NOT NULL,
    request_id  TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    job         INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    PRIMARY KEY (owner, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_job ON requests (job);

-- Keys that this store made for itself and that never leave it.
CREATE TABLE own_keys (
    name TEXT NOT NULL PRIMARY KEY,
    key  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
