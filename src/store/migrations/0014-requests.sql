-- breaking: no
-- Answers to requests with an idempotency key, so that the same request again gets the same answer. `status` is null
-- while the first is under way. Keys are hashed with the token that sent them.

CREATE TABLE answered_requests (
  key_hash text PRIMARY KEY,
  request_hash text NOT NULL,
  status integer,
  body text,
  created_at text NOT NULL
);
CREATE INDEX answered_requests_by_time ON answered_requests (created_at);
