-- What datasets were. A snapshot holds on to the files it names: no file that one needs is removed.
CREATE TABLE snapshots (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    snapshot_id    TEXT NOT NULL UNIQUE,
    dataset        INTEGER NOT NULL REFERENCES datasets (number),
    display_name   TEXT NOT NULL,
    creator        TEXT NOT NULL,
    format         TEXT NOT NULL,
    content_sha256 BLOB NOT NULL,
    file_count     INTEGER NOT NULL,
    item_count     INTEGER NOT NULL,
    size_bytes     INTEGER NOT NULL,
    train_count    INTEGER NOT NULL,
    validation_count INTEGER NOT NULL,
    test_count     INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    request_id     TEXT NOT NULL DEFAULT '',
    fingerprint    BLOB NOT NULL
) STRICT;
CREATE INDEX snapshots_by_dataset ON snapshots (dataset, number);
CREATE UNIQUE INDEX snapshots_by_request ON snapshots (creator, request_id) WHERE request_id <> '';

CREATE TABLE snapshot_classes (
    snapshot   INTEGER NOT NULL REFERENCES snapshots (number) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    item_count INTEGER NOT NULL,
    PRIMARY KEY (snapshot, name)
) STRICT, WITHOUT ROWID;

-- `item` says whether the file is one of the items, `split` what it is for.
CREATE TABLE snapshot_files (
    snapshot   INTEGER NOT NULL REFERENCES snapshots (number) ON DELETE CASCADE,
    path       TEXT NOT NULL,
    stored_as  INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256     BLOB NOT NULL,
    item       INTEGER NOT NULL CHECK (item IN (0, 1)),
    split      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (snapshot, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX snapshot_files_by_place ON snapshot_files (stored_as, snapshot);
