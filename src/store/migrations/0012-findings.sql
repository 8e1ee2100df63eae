-- breaking: no
-- What comparing images with advisories found. A finding is one row for all images that have the same.
-- Only text keys, and nothing that SQLite and PostgreSQL spell differently.

CREATE TABLE findings (
  id text PRIMARY KEY,
  advisory text NOT NULL,
  manager text NOT NULL,
  package text NOT NULL,
  architecture text NOT NULL,
  installed text NOT NULL,
  severity text NOT NULL,
  fixed_version text,
  remedy text NOT NULL,
  exploited_since text
);
CREATE INDEX findings_by_advisory ON findings (advisory);

CREATE TABLE image_findings (
  finding_id text NOT NULL REFERENCES findings (id),
  image_id text NOT NULL REFERENCES images (id),
  PRIMARY KEY (finding_id, image_id)
);
CREATE INDEX image_findings_by_image ON image_findings (image_id, finding_id);

-- Null: not compared yet. `unknowns` counts what the comparison could not find out: such an image is never clean.
ALTER TABLE images ADD COLUMN vulnerabilities integer;
ALTER TABLE images ADD COLUMN urgent integer;
ALTER TABLE images ADD COLUMN unknowns integer;
