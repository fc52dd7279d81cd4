-- Uploads that are open. The dataset's id is chosen when its upload opens: files are stored beneath it from the start and
-- never move. `spec` is the encoded wish; `request_id` is empty where there is none. An upload that is `one_call` is that call's
-- alone and ends with it. `version` counts what was written; `blocks` says how many blocks of numbers have been given to its
-- objects. The sums are of its files.
CREATE TABLE uploads (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    upload_id   TEXT NOT NULL UNIQUE,
    dataset_id  TEXT NOT NULL,
    owner       TEXT NOT NULL,
    revision    INTEGER NOT NULL CHECK (revision IN (0, 1)),
    spec        BLOB NOT NULL,
    request_id  TEXT NOT NULL DEFAULT '',
    fingerprint BLOB NOT NULL,
    created     INTEGER NOT NULL,
    expires     INTEGER NOT NULL,
    one_call    INTEGER NOT NULL DEFAULT 0 CHECK (one_call IN (0, 1)),
    version     INTEGER NOT NULL DEFAULT 0,
    blocks      INTEGER NOT NULL DEFAULT 0,
    file_count  INTEGER NOT NULL DEFAULT 0,
    whole_count INTEGER NOT NULL DEFAULT 0,
    size_bytes  INTEGER NOT NULL DEFAULT 0,
    path_bytes  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX uploads_by_owner ON uploads (owner, number);
CREATE INDEX uploads_by_dataset ON uploads (dataset_id);
CREATE INDEX uploads_by_expiry ON uploads (expires);
CREATE UNIQUE INDEX uploads_by_request ON uploads (owner, request_id) WHERE request_id <> '';

-- What has come of each file. `sha256` is of the whole file and empty until all of it is there.
CREATE TABLE upload_files (
    upload     INTEGER NOT NULL REFERENCES uploads (number) ON DELETE CASCADE,
    path       TEXT NOT NULL,
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    received   INTEGER NOT NULL CHECK (received BETWEEN 0 AND size_bytes),
    sha256     BLOB NOT NULL,
    PRIMARY KEY (upload, path)
) STRICT, WITHOUT ROWID;

-- Where it is: one part for a whole file, several for one that is still coming.
CREATE TABLE upload_parts (
    upload     INTEGER NOT NULL,
    path       TEXT NOT NULL,
    position   INTEGER NOT NULL CHECK (position >= 0),
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    stored_as  INTEGER NOT NULL,
    PRIMARY KEY (upload, path, position),
    FOREIGN KEY (upload, path) REFERENCES upload_files (upload, path) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Datasets beneath whose ids may lie objects that no row names: noted in the transaction that drops the rows, struck out when
-- the objects are gone.
CREATE TABLE untidy (
    dataset_id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
