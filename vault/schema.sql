-- What can be erased, beside the ledger: persons, texts, files. Events name them by id or digest. Rules editions are
-- here, too; they cannot be erased. Before the first release this file is edited in place.

create schema vault;

create table vault.person (
    id         text primary key,
    unit       text not null,
    name       text,
    office     text,
    email      text,
    phone      text,
    salt       bytea,
    commitment text not null,
    erased_at  timestamptz
);
comment on table vault.person is 'commitment is a digest of salt and name; events carry it. Erasing a person empties name, office, email, phone and salt; id, unit and commitment stay.';

create table vault.text (
    digest    text primary key,
    salt      bytea,
    body      text,
    -- sha256 of the body alone. It finds a stored text again, so that the same text gets the same salted digest and a
    -- repeated command the same payload. It is erased with the body, because guesses at the body can be tested with it.
    plain     bytea unique,
    erased_at timestamptz,
    check ((body is null) = (erased_at is not null)),
    check ((salt is null) = (erased_at is not null)),
    check ((plain is null) = (erased_at is not null))
);
comment on table vault.text is 'Texts by salted digest.';

create table vault.edition (
    digest text primary key,
    body   text not null
);
comment on table vault.edition is 'Rules editions by plain sha256. Append-only.';
create trigger append_only before update or delete or truncate on vault.edition
    for each statement execute function ledger.refuse_change();

create table vault.file (
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
create index on vault.file (unit, at);
create index on vault.file (person, at);
comment on table vault.file is 'Evidence files by plain sha256, once for each unit that uploaded them.';

grant usage on schema vault to thidua_app, thidua_reader, thidua_web;
grant select, insert, update on vault.person, vault.text to thidua_app;
grant select, insert on vault.edition to thidua_app;
grant select, update on vault.file to thidua_app;
grant select on vault.edition to thidua_reader;
-- The web process enters persons and changes how they are reached. It erases nothing and changes no name.
grant select, insert on vault.person, vault.text, vault.edition, vault.file to thidua_web;
grant update (office, email, phone) on vault.person to thidua_web;
