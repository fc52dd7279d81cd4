-- Users take turns: when a job of each was begun last. The smallest number is next.
CREATE TABLE turns (
    owner TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    turn  BIGINT NOT NULL
);
CREATE INDEX jobs_not_ended ON jobs (owner) WHERE state IN ('queued', 'running');
-- How many bytes of results are kept for a job.
ALTER TABLE jobs ADD COLUMN result_bytes BIGINT NOT NULL DEFAULT 0;
