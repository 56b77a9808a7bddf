-- Evidence as files: by digest, erasable, beside the ledger. An act names a file by its reference.

create table documents.file (
    digest     text not null,
    name       text not null,
    media_type text not null,
    size       integer not null,
    body       bytea,
    unit       text not null,
    person     text not null,
    at         timestamptz not null default now(),
    erased_at  timestamptz,
    primary key (digest, unit),
    check ((body is null) = (erased_at is not null))
);
create index on documents.file (unit, at);
grant select, insert on documents.file to thidua_web;
grant select, update on documents.file to thidua_app;
