-- breaking: no
-- The ids of the span of a run: it is reported by whoever ends the run, and its steps name it before that.

-- As the header of W3C Trace Context has it.
ALTER TABLE runs ADD COLUMN traceparent text;
-- Which span of the same trace asked for the run; null for a run that begins its trace.
ALTER TABLE runs ADD COLUMN parent_span text;
