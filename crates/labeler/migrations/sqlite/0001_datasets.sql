-- Datasets, what they hold, and who may use them. `number` gives the order of creation; ids are for the outside.
CREATE TABLE datasets (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset_id   TEXT    NOT NULL UNIQUE,
    display_name TEXT    NOT NULL,
    format       TEXT    NOT NULL CHECK (format IN ('imagefolder')),
    owner        TEXT    NOT NULL,
    visibility   TEXT    NOT NULL CHECK (visibility IN ('private', 'public')),
    item_count   INTEGER NOT NULL CHECK (item_count > 0),
    size_bytes   INTEGER NOT NULL CHECK (size_bytes >= 0),
    etag         TEXT    NOT NULL,
    created      INTEGER NOT NULL,
    updated      INTEGER NOT NULL
) STRICT;
CREATE INDEX datasets_by_owner ON datasets (owner, number);
CREATE INDEX datasets_by_visibility ON datasets (visibility, number);

CREATE TABLE classes (
    dataset    INTEGER NOT NULL REFERENCES datasets (number) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    item_count INTEGER NOT NULL CHECK (item_count > 0),
    PRIMARY KEY (dataset, name)
) STRICT, WITHOUT ROWID;

-- `stored_as` is the file's name in its dataset's folder: paths never reach the file system.
CREATE TABLE files (
    dataset    INTEGER NOT NULL REFERENCES datasets (number) ON DELETE CASCADE,
    path       TEXT    NOT NULL,
    stored_as  INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (dataset, path)
) STRICT, WITHOUT ROWID;

-- The owner is in `datasets`; here are the others.
CREATE TABLE shares (
    dataset INTEGER NOT NULL REFERENCES datasets (number) ON DELETE CASCADE,
    subject TEXT    NOT NULL,
    role    TEXT    NOT NULL CHECK (role IN ('viewer', 'editor')),
    PRIMARY KEY (dataset, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX shares_by_subject ON shares (subject, dataset);

-- Which dataset an idempotent request made. A deleted dataset takes its requests along: the id may be used anew.
CREATE TABLE requests (
    owner       TEXT    NOT NULL,
    request_id  TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    dataset     INTEGER NOT NULL REFERENCES datasets (number) ON DELETE CASCADE,
    PRIMARY KEY (owner, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_dataset ON requests (dataset);

-- Keys that this store made for itself and that never leave it.
CREATE TABLE own_keys (
    name TEXT NOT NULL PRIMARY KEY,
    key  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
