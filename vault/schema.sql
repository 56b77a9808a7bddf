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
    -- the order of names, by given name; sorted by bytes. See i18n/sorting.py
    sort_key   text collate "C",
    -- three lines: the name, the mail address and the telephone number, folded as searches are
    search     text,
    erased_at  timestamptz,
    check ((name is null) = (erased_at is not null)),
    -- It is erased with the name, because guesses at the name can be tested with it.
    check ((salt is null) = (erased_at is not null))
);
create index on vault.person (sort_key, id);
create index on vault.person (unit, id);
-- who logs in with a mail address or a telephone number
create index on vault.person (split_part(search, E'\n', 2));
create index on vault.person (split_part(search, E'\n', 3));
comment on table vault.person is 'commitment is a digest of salt and name; events carry it. Erasing a person empties name, office, email, phone, salt, sort_key and search; id, unit and commitment stay.';

create table vault.former_name (
    person     text not null references vault.person (id),
    name       text,
    salt       bytea,
    commitment text not null,
    until      timestamptz not null default now(),
    primary key (person, commitment),
    check ((salt is null) = (name is null))
);
comment on table vault.former_name is 'Names before a correction. Commands that were signed before it hold their commitments. Erased with the person.';

-- Corrects a name. The former name and its commitment stay, so that what was signed under them can still be verified:
-- nobody but this function, and an erasure, changes a name. False where there is no such person, or it is the name.
create function vault.correct_name(id_ text, name_ text, salt_ bytea, sort_key_ text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform 1 from vault.person where id = id_ and erased_at is null and name <> name_ for update;
    if not found then
        return false;
    end if;
    insert into vault.former_name (person, name, salt, commitment)
        select id, name, salt, commitment from vault.person where id = id_;
    update vault.person set name = name_, salt = salt_, sort_key = sort_key_,
        commitment = encode(sha256(convert_to(E'thidua-person-1\n', 'UTF8') || salt_ || convert_to(name_, 'UTF8')), 'hex')
        where id = id_;
    return true;
end $$;

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
    primary key (digest, unit, name),
    check ((body is null) = (erased_at is not null))
);
create index on vault.file (unit, at desc, digest) where body is not null;
create index on vault.file (person, at);
comment on table vault.file is 'Evidence files by plain sha256, once for each unit that uploaded them, and name.';

grant usage on schema vault to thidua_app, thidua_reader, thidua_web;
revoke all on all functions in schema vault from public;
grant execute on function vault.correct_name to thidua_app, thidua_web;
grant select, insert, update on vault.person, vault.text to thidua_app;
grant select, update on vault.former_name to thidua_app;
grant select on vault.former_name to thidua_web;
grant select, insert on vault.edition to thidua_app;
grant select, update on vault.file to thidua_app;
grant select on vault.edition to thidua_reader;
-- The web process enters persons, changes how they are reached, and corrects names by the function. It erases nothing.
grant select, insert on vault.person, vault.text, vault.edition, vault.file to thidua_web;
grant update (office, email, phone, search) on vault.person to thidua_web;
