-- breaking: no
-- Times are ISO 8601 in UTC, documents are JSON, truth is 0 or 1, so that SQLite and PostgreSQL read the same rows.

CREATE TABLE sources (
  id text PRIMARY KEY,
  kind text NOT NULL,
  last_pass_at text,
  last_pass text
);

-- One file that a source listed. `role` is `base` when others are built on it: it is never changed in place.
CREATE TABLE images (
  id text PRIMARY KEY,
  source_id text NOT NULL REFERENCES sources (id),
  locator text NOT NULL,
  size bigint NOT NULL,
  modified_at text NOT NULL,
  format text,
  backing text NOT NULL,
  role text NOT NULL,
  state text NOT NULL,
  problem text,
  digest text,
  inspection_id integer REFERENCES inspections (id),
  system_id text,
  system_version text,
  system_name text,
  owner text,
  gaps integer NOT NULL DEFAULT 0,
  outdated integer,
  held text,
  matched_at text,
  last_boot_at text,
  last_upgrade_at text,
  first_seen_at text NOT NULL,
  last_seen_at text NOT NULL,
  revision integer NOT NULL,
  UNIQUE (source_id, locator)
);
CREATE INDEX images_by_system ON images (system_id, id);
CREATE INDEX images_by_inspection ON images (inspection_id);

-- Keyed by the digest of the image and its backing files: equal bytes are read once.
CREATE TABLE inspections (
  id integer PRIMARY KEY,
  digest text NOT NULL UNIQUE,
  made_at text NOT NULL,
  document text NOT NULL
);

CREATE TABLE packages (
  id integer PRIMARY KEY,
  manager text NOT NULL,
  name text NOT NULL,
  architecture text NOT NULL,
  version text NOT NULL,
  UNIQUE (name, manager, architecture, version)
);

CREATE TABLE inspection_packages (
  package_id integer NOT NULL REFERENCES packages (id),
  inspection_id integer NOT NULL REFERENCES inspections (id),
  PRIMARY KEY (package_id, inspection_id)
) WITHOUT ROWID;

CREATE TABLE runs (
  id text PRIMARY KEY,
  kind text NOT NULL,
  source_id text NOT NULL REFERENCES sources (id),
  image_id text REFERENCES images (id),
  state text NOT NULL,
  token integer NOT NULL,
  attempt integer NOT NULL,
  not_before text NOT NULL,
  requested_by text NOT NULL,
  requested_at text NOT NULL,
  approved_by text,
  cancel_requested integer NOT NULL DEFAULT 0,
  idempotency_key text UNIQUE,
  argument text,
  outcome text,
  error_code text,
  error_message text,
  started_at text,
  ended_at text
);
CREATE INDEX runs_by_state ON runs (state, not_before);
CREATE INDEX runs_by_image ON runs (image_id, id);
-- Never two runs on one image, nor two passes over one source.
CREATE UNIQUE INDEX one_run_of_an_image ON runs (image_id)
  WHERE image_id IS NOT NULL AND state IN ('queued', 'running', 'waiting');
CREATE UNIQUE INDEX one_pass_of_a_source ON runs (source_id)
  WHERE image_id IS NULL AND state IN ('queued', 'running', 'waiting');

CREATE TABLE steps (
  run_id text NOT NULL REFERENCES runs (id),
  position integer NOT NULL,
  name text NOT NULL,
  state text NOT NULL,
  started_at text,
  ended_at text,
  result text,
  PRIMARY KEY (run_id, position)
);

CREATE TABLE run_events (
  id integer PRIMARY KEY,
  run_id text NOT NULL REFERENCES runs (id),
  at text NOT NULL,
  kind text NOT NULL,
  detail text NOT NULL
);
CREATE INDEX run_events_by_run ON run_events (run_id, id);

CREATE TABLE generations (
  image_id text NOT NULL REFERENCES images (id),
  number integer NOT NULL,
  run_id text NOT NULL REFERENCES runs (id),
  taken_at text NOT NULL,
  digest_before text NOT NULL,
  digest_after text NOT NULL,
  PRIMARY KEY (image_id, number)
);

CREATE TABLE tokens (
  id text PRIMARY KEY,
  name text NOT NULL,
  secret_hash text NOT NULL,
  role text NOT NULL,
  sources text,
  created_at text NOT NULL,
  expires_at text,
  revoked_at text
);

-- Only ever added to: every row carries the hash of the one before it.
CREATE TABLE audit (
  sequence integer PRIMARY KEY,
  at text NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  object text NOT NULL,
  detail text NOT NULL,
  previous text NOT NULL,
  hash text NOT NULL
);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit log is only ever added to');
END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit log is only ever added to');
END;
