-- breaking: no
-- The signed statement of each promotion (DSSE, JSON), as it lies beside the image.

CREATE TABLE attestations (
  run_id text PRIMARY KEY REFERENCES runs (id),
  image_id text NOT NULL REFERENCES images (id),
  statement text NOT NULL,
  kept_at text NOT NULL
);
