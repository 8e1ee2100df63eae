-- breaking: yes
-- Whoever does not know the first column would carry out runs that somebody paused.

-- A paused run does not begin its next step.
ALTER TABLE runs ADD COLUMN paused integer NOT NULL DEFAULT 0;
-- Who carried out its last step, or carries it out.
ALTER TABLE runs ADD COLUMN host text;
-- The job by which a queue delivers its next step, and that queue. Nobody may begin the step for another job.
ALTER TABLE runs ADD COLUMN delivery text;
ALTER TABLE runs ADD COLUMN queue text;
CREATE INDEX runs_to_deliver ON runs (requested_at, id) WHERE state = 'queued' AND delivery IS NULL;

-- One row: sources and policies as the server has them, for workers on other hosts.
CREATE TABLE published_settings (
  id integer PRIMARY KEY,
  document text NOT NULL,
  published_at text NOT NULL
);
