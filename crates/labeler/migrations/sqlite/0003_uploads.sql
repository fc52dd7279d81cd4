-- Uploads that are open. The dataset's id is chosen when its upload opens: files are stored beneath it from the start and
-- never move. `spec` is the encoded wish; `request_id` is empty where there is none.
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
    expires     INTEGER NOT NULL
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
