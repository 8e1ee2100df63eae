/**
 * What brings the database of advisories from each version to the next; never changed once released.
 * The version is SQLite's `user_version`: the number of these that have been run.
 */
export const advisoryMigrations: readonly string[] = [
  `
  CREATE TABLE feeds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    format TEXT NOT NULL,
    source TEXT NOT NULL,
    revision INTEGER NOT NULL,
    digest TEXT NOT NULL,
    etag TEXT,
    imported_at TEXT NOT NULL,
    checked_at TEXT NOT NULL,
    statements INTEGER NOT NULL,
    facts INTEGER NOT NULL,
    UNIQUE (format, source)
  ) STRICT;

  CREATE TABLE statements (
    feed INTEGER NOT NULL REFERENCES feeds (id),
    release TEXT NOT NULL,
    package TEXT NOT NULL,
    package_kind TEXT NOT NULL,
    vulnerability TEXT NOT NULL,
    advisory TEXT,
    status TEXT NOT NULL,
    fixed_version TEXT,
    introduced_version TEXT,
    last_affected_version TEXT,
    severity TEXT NOT NULL,
    note TEXT
  ) STRICT;
  CREATE INDEX statements_of_package ON statements (release, package);
  CREATE INDEX statements_of_feed ON statements (feed);

  CREATE TABLE facts (
    feed INTEGER NOT NULL REFERENCES feeds (id),
    vulnerability TEXT NOT NULL,
    severity TEXT,
    summary TEXT,
    exploited_since TEXT,
    exploit_probability REAL,
    -- 1 when it says more than a summary: matching looks for no other.
    is_grade INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX facts_of_vulnerability ON facts (vulnerability);
  CREATE INDEX grades_of_vulnerability ON facts (vulnerability) WHERE is_grade = 1;
  CREATE INDEX facts_of_feed ON facts (feed);
  `,
];
