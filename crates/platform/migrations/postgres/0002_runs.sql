-- How far jobs are. Which activities and reasons there are is checked when a row is read. Instants are in seconds.
ALTER TABLE jobs ADD COLUMN snapshot_id     TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN trainer         TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN activity        TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN attempt         BIGINT NOT NULL DEFAULT 0;
-- In millionths.
ALTER TABLE jobs ADD COLUMN progress        BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN message         TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN abort_requested BIGINT NOT NULL DEFAULT 0;
-- What came of it, as JSON; empty for nothing.
ALTER TABLE jobs ADD COLUMN result          TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN failure         TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN updated         BIGINT NOT NULL DEFAULT 0;
-- 0 while it has not ended.
ALTER TABLE jobs ADD COLUMN ended           BIGINT NOT NULL DEFAULT 0;
-- Who runs it, and until when nobody else may take it; an empty lease means nobody. Before that instant a job that waits is not begun.
ALTER TABLE jobs ADD COLUMN lease           TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN lease_until     BIGINT NOT NULL DEFAULT 0;
CREATE INDEX jobs_by_state ON jobs (state, lease_until, number);

-- What trainers print.
CREATE TABLE job_lines (
    job    BIGINT NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    line   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (job, number)
);
