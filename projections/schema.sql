-- Projections: every row is computed from the ledger and can be dropped and rebuilt at any time. Before the first release
-- this file is edited in place.

create schema projections;

create table projections.cursor (
    name     text primary key,
    position bigint not null
);
comment on table projections.cursor is 'The position of the ledger up to which each projection is computed.';

create table projections.board (
    stream           text primary key,
    organiser        text not null,
    -- as the stream writes it
    year             text not null,
    position         bigint not null,
    line             jsonb not null,
    -- the units of the cycle, and its overseer as @person
    units            text[] not null default '{}',
    filed            boolean not null default false,
    -- What the board is filtered by. cluster: its name; words: name and stream in lower case without diacritics;
    -- sort_key: the place of its name in the natural order, sorted by bytes (i18n/sorting.py)
    cluster          text not null,
    sort_key         text collate "C" not null,
    cycle_year       integer not null,
    words            text not null,
    step             text not null,
    rehearsed        boolean not null,
    -- the earliest late_from of its open tasks
    late_from        timestamptz,
    -- how many requests for more time wait for an answer, and how many escalations for a confirmation
    asked            integer not null,
    escalated        integer not null,
    open_deviations  integer not null,
    -- How far each step of the year is, and of which version the line is: what a page of many cycles needs, so that it
    -- need not read their lines
    heat             jsonb not null,
    version          bigint not null
);
create index on projections.board using gin (units);
create index on projections.board (year desc, sort_key, stream);
create index on projections.board (organiser, year desc, sort_key, stream);
create index on projections.board (organiser, year desc, sort_key, stream) where asked > 0;
create index on projections.board (organiser, year desc, sort_key, stream) where escalated > 0;
create index on projections.board (organiser, year desc, sort_key, stream) where not filed;
create index on projections.board (organiser, late_from) where late_from is not null;
-- which clusters of other organisers have the same name
create index on projections.board (cluster, organiser);
comment on table projections.board is 'One line for each cycle. See projections/board.py.';

create table projections.organiser_unit (
    organiser text not null,
    -- a unit of one of its cycles, the organiser itself, or the overseer of a cycle as @person
    unit      text not null,
    name      text not null,
    -- the place of the name in the natural order
    sort_key  text collate "C" not null,
    -- id and name in lower case without diacritics, and the name written as one word
    words     text not null,
    primary key (organiser, unit)
);
create index on projections.organiser_unit (unit);
comment on table projections.organiser_unit is 'Whose people the secretariat of an organiser sees. See projections/people.py.';

create table projections.open_task (
    stream    text not null references projections.board (stream) on delete cascade,
    -- its place in the line's list "open"
    number    integer not null,
    organiser text not null,
    year      text not null,
    unit      text not null,
    duty      text not null,
    -- The unit can do something about it now: it waits for no other unit, and where it is closed the unit has not asked
    -- for it to be opened again.
    ready     boolean not null,
    due       timestamptz,
    -- The real time from which it is overdue: the deadline. Where the cycle has a clock of its own, a time before every
    -- deadline when it is overdue by that clock, and null when it is not: real time changes nothing then.
    late_from timestamptz,
    -- The real time from which its last day is not far any more; a time before every deadline where it has none, or what
    -- is waited for is there. Where the cycle has a clock of its own, as late_from.
    near_from timestamptz,
    -- of the board's line
    sort_key  text collate "C" not null,
    primary key (stream, number)
);
create index on projections.open_task (unit, due, sort_key, stream, number);
create index on projections.open_task (unit, due, sort_key, stream, number) where ready;
create index on projections.open_task (unit, due, sort_key, stream, number) where not ready;
create index on projections.open_task (unit, due, sort_key, stream, number) where ready and duty = 'midyear-acceptance';
create index on projections.open_task (late_from, organiser, year);
create index on projections.open_task (year desc, sort_key, stream, number) include (late_from);
create index on projections.open_task (organiser, year desc, sort_key, stream, number) include (late_from);
comment on table projections.open_task is 'One row for each open task of a cycle that is not filed: which tasks a page shows is asked here, what they are stands in the line.';

create table projections.done_task (
    stream text not null references projections.board (stream) on delete cascade,
    unit   text not null,
    -- of the latest of them
    latest timestamptz not null,
    done   jsonb not null,
    primary key (stream, unit)
);
create index on projections.done_task (unit, latest desc, stream);
comment on table projections.done_task is 'The latest duties that each unit has done, one row for each unit of a cycle.';

create table projections.deviation (
    stream    text not null references projections.board (stream) on delete cascade,
    -- its place among the deviations of the cycle
    number    integer not null,
    organiser text not null,
    year      text not null,
    code      text not null,
    -- open, acknowledged or settled
    state     text not null,
    -- It waits for the secretariat: it departs from an article, is open, and the cycle is not filed.
    waiting   boolean not null,
    -- the name of the unit that it is about
    unit      text not null,
    -- names of unit and cluster in lower case without diacritics
    words     text not null,
    found     jsonb not null,
    -- of the board's line
    sort_key  text collate "C" not null,
    primary key (stream, number)
);
create index on projections.deviation (year desc, sort_key, stream, number) include (state);
create index on projections.deviation (organiser, year desc, sort_key, stream, number) include (state);
create index on projections.deviation (organiser, year desc, sort_key, stream, number) where waiting;
comment on table projections.deviation is 'One row for each deviation of a cycle from its rules.';

create table projections.search_entry (
    stream text not null,
    -- cluster, unit, document, minutes, text (an act with its free text, or one of several texts of an act) or act
    kind   text not null,
    -- cluster: empty; unit: its id; act, minutes: the version of its event; document, text: that version, or a dot and the
    -- index behind it
    ref    text not null,
    -- the unit itself, or the unit that acted
    unit   text not null,
    -- by language; those of clusters, units and documents are the same in each
    titles jsonb not null,
    at     date,
    -- of the cycle
    year   integer not null,
    -- whether each member of the cluster reads it before publication
    open   boolean not null,
    -- lexemes and tags: see projections/search_words.py
    words  tsvector not null,
    -- of clusters and units: the whole name as names are compared, and the key of its natural order
    name     text not null default '',
    sort_key text collate "C" not null default '',
    -- the paper or the meeting that it is about, such as draft/plan
    about  text not null default '',
    -- digest of the free text whose words are among the words; null without one
    text   text,
    -- the words that stay when the text is erased; null: the row goes with it
    kept   tsvector,
    -- the version of the act that corrected it; null while it stands
    corrected bigint,
    -- the version of the act that withdrew what it hands in; null while that stands
    withdrawn bigint,
    -- of the row that an act as a whole has: who entered it, and its place in the ledger; null for other rows, and where
    -- time goes on in a rehearsal
    actor    text,
    position bigint,
    primary key (stream, kind, ref)
);
create index on projections.search_entry using gin (words);
create index on projections.search_entry (unit, position desc) where position is not null;
create index on projections.search_entry (text) where text is not null;

create table projections.search_tag (
    tag text primary key
);
comment on table projections.search_tag is 'The tags of groups and years in the search index: see projections/search_words.py.';

-- What is erased is not found any more, whoever erases it.
create function projections.forget_text() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from projections.search_entry where text = old.digest and kept is null;
    update projections.search_entry set kind = 'act', text = null, words = kept, kept = null where text = old.digest;
    return null;
end $$;
revoke all on function projections.forget_text from public;
create trigger forget_text after update on vault.text
    for each row when (old.body is not null and new.body is null) execute function projections.forget_text();

create table projections.file_use (
    digest    text not null,
    stream    text not null,
    -- of the event that names the file
    version   bigint not null,
    corrected bigint,
    primary key (digest, stream, version)
);
create index on projections.file_use (stream, version);
comment on table projections.file_use is 'Which events name which file, and what corrected them. Filled with the search index: see projections/search.py.';

grant usage on schema projections to thidua_app, thidua_reader, thidua_web;
grant select on all tables in schema projections to thidua_reader, thidua_web;
grant select, insert, update, delete on all tables in schema projections to thidua_app;
