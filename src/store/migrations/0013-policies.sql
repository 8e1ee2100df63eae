-- breaking: no
-- A policy that was set by the API stands in place of the one in the file.

CREATE TABLE source_policies (
  source_id text PRIMARY KEY,
  document text NOT NULL,
  revision integer NOT NULL,
  changed_by text NOT NULL,
  changed_at text NOT NULL
);
