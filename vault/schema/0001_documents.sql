-- Texts by salted digest: stored once, erasable. Rules editions are stored by plain digest and cannot be erased.

create schema documents;

create table documents.text (
    digest    text primary key,
    salt      bytea,
    body      text,
    -- The same text said again gets the same digest, or a command repeated would not say the same. Goes with the body.
    plain     bytea unique,
    erased_at timestamptz,
    check ((body is null) = (erased_at is not null)),
    check ((salt is null) = (erased_at is not null)),
    check ((plain is null) = (erased_at is not null))
);

create table documents.edition (
    digest text primary key,
    body   text not null
);
create trigger append_only before update or delete or truncate on documents.edition
    for each statement execute function ledger.refuse_change();

grant usage on schema documents to thidua_app, thidua_reader;
grant select, insert, update on documents.text to thidua_app;
grant select, insert on documents.edition to thidua_app;
grant select on documents.edition to thidua_reader;
