-- Accounts: who may come in. Erasable, beside the ledger; the web's role alone writes here.

create schema accounts;

create table accounts.account (
    person        text primary key references people.person (id),
    kind          text not null check (kind in ('secretariat', 'staff', 'auditor')),
    administrator boolean not null default false,
    -- argon2id, in its own encoding; null until an invitation is taken up
    password      text,
    -- base32; null until it is set up and confirmed
    totp          text,
    -- a code is good once: the last time step that was used
    totp_step     bigint not null default 0,
    language      text not null default 'vi' check (language in ('vi', 'en')),
    digest        text not null default 'each' check (digest in ('each', 'daily', 'weekly')),
    made_at       timestamptz not null default now(),
    -- the last day on which it opens anything
    until         date,
    disabled_at   timestamptz
);

create table accounts.login (
    digest      bytea primary key,
    person      text not null references accounts.account (person),
    made_at     timestamptz not null default now(),
    seen_at     timestamptz not null default now(),
    -- password, password+totp, or rehearsal: what a signed command says of how the person was known
    strength    text not null,
    -- up to which position of the ledger this person's own acts go: pages wait for it
    position    bigint not null default 0,
    stands_in_for text
);
create index on accounts.login (person);

create table accounts.invitation (
    digest  bytea primary key,
    person  text not null references accounts.account (person),
    made_at timestamptz not null default now(),
    used_at timestamptz
);

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
    for_person text not null references people.person (id),
    since      date not null,
    until      date not null check (until >= since),
    named_by   text not null,
    named_at   timestamptz not null default now(),
    ended_at   timestamptz,
    primary key (person, for_person, since),
    check (person <> for_person)
);

-- What was typed and not yet sent, saved as one goes.
create table accounts.draft (
    person   text not null references accounts.account (person),
    place    text not null,
    body     jsonb not null,
    saved_at timestamptz not null default now(),
    primary key (person, place)
);

create table accounts.calendar (
    digest  bytea primary key,
    person  text not null unique references accounts.account (person),
    made_at timestamptz not null default now()
);

-- Reading by auditors is logged.
create table accounts.reading (
    at     timestamptz not null default now(),
    person text not null,
    what   text not null,
    where_ text not null
);
create index on accounts.reading (at);

grant usage on schema accounts to thidua_web, thidua_app;
grant select, insert, update, delete on all tables in schema accounts to thidua_web;
grant select, insert on accounts.reading to thidua_web;
revoke update, delete on accounts.reading from thidua_web;
grant select, insert, update on accounts.account to thidua_app;
grant select, insert, update, delete on accounts.invitation to thidua_app;
