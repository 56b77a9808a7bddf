-- Read models: can be dropped and rebuilt from the ledger at any time.

create schema projections;

create table projections.cursor (
    name     text primary key,
    position bigint not null
);

create table projections.board (
    stream   text primary key,
    year     text not null,
    position bigint not null,
    line     jsonb not null
);

grant usage on schema projections to thidua_app, thidua_reader;
grant select, insert, update, delete on all tables in schema projections to thidua_app;
grant select on all tables in schema projections to thidua_reader;
