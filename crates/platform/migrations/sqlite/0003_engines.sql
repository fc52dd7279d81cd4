-- How often a job was queued: another engine knows each time as work of its own.
ALTER TABLE jobs ADD COLUMN run         INTEGER NOT NULL DEFAULT 1;
-- The trace that the job was created in (W3C Trace Context), which its activities continue; empty for none.
ALTER TABLE jobs ADD COLUMN traceparent TEXT NOT NULL NOT NULL DEFAULT '';
