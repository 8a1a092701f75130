-- The index of all jobs: what the list, the search and the queue need; `data` is the job's own file as it is.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    gallery TEXT NOT NULL,
    state TEXT NOT NULL,
    rank REAL NOT NULL,
    created TEXT NOT NULL,
    batch TEXT,
    words TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX jobs_of_a_gallery ON jobs (gallery, created);
CREATE INDEX jobs_of_a_state ON jobs (state, rank);
