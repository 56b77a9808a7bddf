-- Accounts: logins, and what people keep beside them. Erasable, outside the ledger. Of every random secret only its
-- sha256 is stored, in the columns named digest. Before the first release this file is edited in place.

create schema accounts;

create table accounts.account (
    person        text primary key references vault.person (id),
    kind          text not null check (kind in ('secretariat', 'staff', 'auditor')),
    administrator boolean not null default false,
    -- argon2id, in its own encoding; null until an invitation is accepted
    password      text,
    -- the secret of one-time codes in base32; null until it is set up and confirmed
    totp          text,
    -- the last time step whose code was used: a code is valid once
    totp_step     bigint not null default 0,
    language      text not null default 'vi' check (language in ('vi', 'en')),
    -- how often mail comes: each notice, or a digest
    digest        text not null default 'each' check (digest in ('each', 'daily', 'weekly')),
    made_at       timestamptz not null default now(),
    -- the last day on which the account is valid
    until         date,
    disabled_at   timestamptz
);

create table accounts.login (
    digest        bytea primary key,
    person        text not null references accounts.account (person),
    made_at       timestamptz not null default now(),
    seen_at       timestamptz not null default now(),
    -- password, password+totp or rehearsal: signed commands carry it
    strength      text not null,
    -- the position of the person's last own event: pages wait until projections have reached it
    position      bigint not null default 0,
    stands_in_for text
);
create index on accounts.login (person);

create table accounts.invitation (
    digest  bytea primary key,
    person  text not null references accounts.account (person),
    made_at timestamptz not null default now(),
    used_at timestamptz
);

-- Failed logins, kept for as long as they slow further attempts down.
create table accounts.attempt (
    person  text not null,
    address text not null,
    at      timestamptz not null default now()
);
create index on accounts.attempt (person, at);
create index on accounts.attempt (address, at);

create table accounts.token (
    digest     bytea primary key,
    person     text not null references accounts.account (person),
    name       text not null,
    scope      text not null check (scope in ('read', 'act', 'sign')),
    made_at    timestamptz not null default now(),
    expires_at timestamptz not null,
    seen_at    timestamptz,
    revoked_at timestamptz
);

create table accounts.stand_in (
    person     text not null references accounts.account (person),
    for_person text not null references vault.person (id),
    since      date not null,
    until      date not null check (until >= since),
    named_by   text not null,
    named_at   timestamptz not null default now(),
    ended_at   timestamptz,
    primary key (person, for_person, since),
    check (person <> for_person)
);

-- Forms that were typed and not sent yet. path is the page's address, with its query.
create table accounts.draft (
    person   text not null references accounts.account (person),
    path     text not null,
    body     jsonb not null,
    -- characters of the body, for the quota of a person
    size     integer not null,
    saved_at timestamptz not null default now(),
    primary key (person, path)
);

create table accounts.calendar (
    digest  bytea primary key,
    person  text not null unique references accounts.account (person),
    made_at timestamptz not null default now()
);

-- What auditors read: the matter and the page's address. Append-only for the web process.
create table accounts.read_log (
    at     timestamptz not null default now(),
    person text not null,
    what   text not null,
    path   text not null
);
create index on accounts.read_log (at);

-- Notices that wait for a daily or weekly mail. The worker writes and deletes them.
create table accounts.digest_item (
    person   text not null,
    position bigint not null,
    kind     text not null,
    unit     text not null,
    subject  text not null,
    body     text not null,
    at       timestamptz not null,
    primary key (person, position, kind, unit)
);

grant usage on schema accounts to thidua_app, thidua_web;
grant select, insert, update on accounts.account to thidua_app;
grant select, insert, update, delete on accounts.invitation to thidua_app;
grant select, insert, delete on accounts.digest_item to thidua_app;
grant select, insert, update, delete on
    accounts.account, accounts.login, accounts.invitation, accounts.attempt, accounts.token, accounts.stand_in,
    accounts.draft, accounts.calendar
    to thidua_web;
grant select, insert on accounts.read_log to thidua_web;
