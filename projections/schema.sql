-- Projections: every row is computed from the ledger and can be dropped and rebuilt at any time. Before the first release
-- this file is edited in place.

create schema projections;

create table projections.cursor (
    name     text primary key,
    position bigint not null
);
comment on table projections.cursor is 'The position of the ledger up to which each projection is computed.';

create table projections.board (
    stream   text primary key,
    year     text not null,
    position bigint not null,
    line     jsonb not null,
    -- the units of the cycle, and its overseer as @person
    units    text[] not null default '{}',
    filed    boolean not null default false
);
create index on projections.board using gin (units);
comment on table projections.board is 'One line for each cycle. See projections/board.py.';

create table projections.search_entry (
    stream text not null,
    -- unit, document, closed (a document of an event that is closed before publication) or act
    kind   text not null,
    -- unit: its id; act: the version of its event; document: that version, a dot, and the document's index
    ref    text not null,
    -- the unit itself, or the unit that acted
    unit   text not null,
    -- by language; those of units and documents are the same in each
    titles jsonb not null,
    at     date,
    words  tsvector not null,
    primary key (stream, kind, ref)
);
create index on projections.search_entry using gin (words);

-- Lower case without Vietnamese diacritics: "dong da" finds Đống Đa, and hòa finds hoà. The letters are listed here because
-- a PostgreSQL without ICU may have a lower() that knows ASCII only.
create function projections.without_diacritics(words text) returns text language sql immutable parallel safe as $$
    select translate(
        lower(normalize(words, NFC)),
        'àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ',
        'aaaaaaaaaaaaaaaaaeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyydaaaaaaaaaaaaaaaaaeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyyd'
    )
$$;

grant usage on schema projections to thidua_app, thidua_reader, thidua_web;
grant select on all tables in schema projections to thidua_reader, thidua_web;
grant select, insert, update, delete on all tables in schema projections to thidua_app;
grant execute on function projections.without_diacritics to thidua_app, thidua_reader, thidua_web;
