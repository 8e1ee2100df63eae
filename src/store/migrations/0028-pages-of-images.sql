-- breaking: no
-- Pages of images are walked in the order of their ids, whatever they are filtered by: see docs/adr/0028.

CREATE INDEX images_by_source ON images (source_id, id);
DROP INDEX images_by_inspection;
