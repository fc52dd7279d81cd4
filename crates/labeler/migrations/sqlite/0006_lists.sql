-- How many items each split has, so that a list need not count them.
CREATE TABLE split_counts (
    dataset    INTEGER NOT NULL REFERENCES datasets (number) ON DELETE CASCADE,
    split      TEXT    NOT NULL CHECK (split IN ('train', 'validation', 'test')),
    item_count INTEGER NOT NULL CHECK (item_count > 0),
    PRIMARY KEY (dataset, split)
) STRICT, WITHOUT ROWID;

-- Each order of the list has an index for what is public and one for what is a user's own and private.
DROP INDEX datasets_by_owner;
CREATE INDEX datasets_by_visibility_name ON datasets (visibility, display_name, number);
CREATE INDEX datasets_by_visibility_size ON datasets (visibility, size_bytes, number);
CREATE INDEX datasets_by_visibility_change ON datasets (visibility, updated, number);
CREATE INDEX datasets_by_owner ON datasets (owner, visibility, number);
CREATE INDEX datasets_by_owner_name ON datasets (owner, visibility, display_name, number);
CREATE INDEX datasets_by_owner_size ON datasets (owner, visibility, size_bytes, number);
CREATE INDEX datasets_by_owner_change ON datasets (owner, visibility, updated, number);
