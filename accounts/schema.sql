-- Accounts: logins, and what people keep beside them. Erasable, outside the ledger. Of every random secret only its
-- sha256 is stored, in the columns named digest. Before the first release this file is edited in place.

create schema accounts;

create table accounts.account (
    person        text primary key references vault.person (id),
    kind          text not null check (kind in ('secretariat', 'staff', 'auditor')),
    administrator boolean not null default false,
    -- argon2id, in its own encoding; null until an invitation is accepted
    password      text,
    -- the secret of one-time codes in base32, encrypted (local/account_keys.py); null until it is set up and confirmed
    totp          text,
    -- the secret that is being set up, encrypted, since when, and the digest of the login that alone sees it
    totp_new       text,
    totp_new_at    timestamptz,
    totp_new_login bytea,
    -- the last time step whose code was used: a code is valid once
    totp_step     bigint not null default 0,
    language      text not null default 'vi' check (language in ('vi', 'en')),
    -- how often mail comes: each notice, or a digest
    digest        text not null default 'each' check (digest in ('each', 'daily', 'weekly')),
    made_at       timestamptz not null default now(),
    -- the last day on which the account is valid
    until         date,
    disabled_at   timestamptz,
    -- the last login, and the failed attempts since then
    last_login_at    timestamptz,
    failed_passwords int not null default 0,
    failed_codes     int not null default 0
);

-- The key that secrets of one-time codes are encrypted under: a web process with an older key file stores none.
create table accounts.code_key (
    only_row boolean primary key default true check (only_row),
    id       text not null
);

create table accounts.recovery_code (
    digest  bytea primary key,
    person  text not null references accounts.account (person),
    used_at timestamptz
);
create index on accounts.recovery_code (person);

create table accounts.login (
    digest        bytea primary key,
    person        text not null references accounts.account (person),
    made_at       timestamptz not null default now(),
    seen_at       timestamptz not null default now(),
    -- password or password+totp: signed commands carry it, except in a rehearsal
    strength      text not null,
    -- the position of the person's last own event: pages wait until projections have reached it
    position      bigint not null default 0,
    stands_in_for text,
    -- the login before, and the failed attempts between the two
    last_login_at    timestamptz,
    failed_passwords int not null default 0,
    failed_codes     int not null default 0
);
create index on accounts.login (person);

-- Links with which a person chooses a password without a login. The purpose decides how long they work.
create table accounts.invitation (
    digest  bytea primary key,
    person  text not null references accounts.account (person),
    purpose text not null check (purpose in ('invitation', 'forgotten')),
    made_at timestamptz not null default now(),
    used_at timestamptz
);
create index on accounts.invitation (person);

-- Failed attempts, kept for as long as they slow further ones down. device: of a device that is known to the person.
create table accounts.attempt (
    guess   text not null check (guess in ('password', 'code', 'secret', 'forgotten', 'mail')),
    person  text not null,
    network text not null,
    device  bytea,
    at      timestamptz not null default now()
);
create index on accounts.attempt (guess, at);
create index on accounts.attempt (at);

-- From where a person has logged in, or chosen a password. device is empty for a browser that keeps no cookies.
create table accounts.known_source (
    person  text not null references accounts.account (person),
    device  bytea not null,
    network text not null,
    seen_at timestamptz not null default now(),
    -- whether a one-time code was right there, too
    with_code boolean not null default false,
    primary key (person, device, network)
);
create index on accounts.known_source (device);

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
create index on accounts.token (person);

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
create index on accounts.stand_in (for_person);

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
create index on accounts.draft (person, saved_at desc, path);

-- What several people fill in together and have not sent yet, cell by cell: the last value of each, whose it is, and
-- when. Revisions grow in the order of saving, and none is given twice: also not after a draft was forgotten.
create sequence accounts.shared_revision;
create table accounts.shared_draft (
    draft    text not null,
    path     text not null,
    value    text not null,
    revision bigint not null,
    person   text not null,
    at       timestamptz not null default now(),
    -- Entered into the register since: kept, so that an older page is told of it and does not undo it.
    sent     boolean not null default false,
    primary key (draft, path)
);

-- What a person had seen when they last looked at a shared draft: its revision, and the version of what it is about.
create table accounts.shared_look (
    draft    text not null,
    person   text not null,
    revision bigint not null,
    version  bigint not null,
    at       timestamptz not null default now(),
    primary key (draft, person)
);

-- Rules editions that an organiser's secretariat is writing: each the whole text, as YAML. A revision counts how often it
-- was saved.
create table accounts.edition_draft (
    organiser text not null,
    id        text not null,
    title     text not null,
    body      text not null,
    revision  bigint not null default 1,
    maker     text not null,
    made_at   timestamptz not null default now(),
    person    text not null,
    at        timestamptz not null default now(),
    -- who changed which part last, and when: {part: {person, at}}
    writers   jsonb not null default '{}',
    -- when it was put in force, by whom, as which stored edition, from which page: [{digest, person, at, page}]
    in_force  jsonb not null default '[]',
    primary key (organiser, id)
);

create table accounts.calendar (
    digest  bytea primary key,
    person  text not null unique references accounts.account (person),
    made_at timestamptz not null default now()
);

-- What calendars were told of each duty of a unit, so that they see what has moved and what is over. It is kept until some
-- weeks after it was over.
create table accounts.calendar_entry (
    id         uuid primary key,
    unit       text not null,
    shown      jsonb not null,
    over       boolean not null default false,
    sequence   int not null default 0,
    changed_at timestamptz not null
);
create index on accounts.calendar_entry (unit);

-- What auditors read, and what anybody took out as a file or by a program: the matter and the page's address.
-- Append-only for the program's roles.
create table accounts.read_log (
    number bigint generated always as identity primary key,
    at     timestamptz not null default now(),
    -- empty: the operator, on the command line
    person text not null,
    what   text not null,
    path   text not null,
    -- taken out of the register: a download, or an answer of the JSON interface
    exported boolean not null default false
);
create index on accounts.read_log (at, number);
create index on accounts.read_log (at, number) where exported;

-- What was done to accounts, by whom and by which door. Append-only for the program's roles, which cannot set the time.
-- Persons are named by id, without a reference: an entry stays when a person is erased.
create table accounts.log (
    number    bigint generated always as identity primary key,
    at        timestamptz not null default now(),
    -- What others do to an account is in the ledger.
    change    text not null check (change not in (
        'made', 'invited', 'closed', 'opened', 'last-day-changed', 'kind-changed', 'reset', 'erased'
    )),
    person    text not null,
    -- null: the operator of the machine, or somebody without a login
    by_person text,
    door      text not null check (door in ('pages', 'link', 'command-line')),
    facts     jsonb not null default '{}'
);
create index on accounts.log (person, number);
create index on accounts.log (by_person, number);

-- The version of the installation's stream up to which these tables have followed its events.
create table accounts.followed (
    only_row boolean primary key default true check (only_row),
    version  bigint not null
);
insert into accounts.followed (version) values (0);

-- Everything that was done to accounts: what the log tells, and what the ledger records. Each fact stands in one of both.
create view accounts.history as
    select number, at, change, person, by_person, door, facts from accounts.log
    union all
    select e.position, e.recorded_at, m.change, e.payload ->> 'person', nullif(e.actor, 'operator'),
           case when e.actor = 'operator' then 'command-line' else 'pages' end, e.payload::jsonb - 'person'
    from ledger.event_fields e
    join (values
        ('AccountMade', 'made'),
        ('InvitedToAccount', 'invited'),
        ('AccountClosed', 'closed'),
        ('AccountOpened', 'opened'),
        ('LastDaySet', 'last-day-changed'),
        ('AccountKindChanged', 'kind-changed'),
        ('LoginReset', 'reset'),
        ('CodesRemoved', 'codes-removed'),
        ('ContactCorrected', 'contact-changed'),
        ('StandInNamed', 'stand-in-named'),
        ('StandInEnded', 'stand-in-ended'),
        ('PersonErased', 'erased')
    ) m (type, change) using (type)
    where e.stream = 'installation';

-- Mails about the year's work that are to be sent, one at a time for each person. The worker writes and deletes them.
create table accounts.mail (
    id       uuid primary key,
    person   text not null unique,
    tries    int not null default 0,
    first_try_at timestamptz,
    next_try_at  timestamptz not null,
    -- since when it is being sent: a worker that ended meanwhile has left it so
    sending_since timestamptz,
    -- the server may have taken it at an earlier try
    unknown  boolean not null default false,
    -- 'sent', or why it never will be; from then on until the ledger has it
    outcome  text
);
create index on accounts.mail (next_try_at);

-- What the mails tell: a notice of an event to a person. It stays for some days after it was sent, without its text, so
-- that an event that is read again sends nothing twice.
create table accounts.notice (
    person    text not null,
    position  bigint not null,
    kind      text not null,
    unit      text not null,
    subject   text not null,
    body      text not null,
    rehearsed boolean not null,
    -- for a daily or weekly mail
    gathered  boolean not null,
    at        timestamptz not null,
    ready_at  timestamptz not null,
    mail      uuid references accounts.mail (id) on delete set null,
    done_at   timestamptz,
    primary key (person, position, kind, unit)
);
create index on accounts.notice (person) where done_at is null;
create index on accounts.notice (mail) where mail is not null;
create index on accounts.notice (done_at) where done_at is not null;

-- What an operator watches, as one row of counts and times: no person, no text.
create view accounts.figures as
    select
        (select count(*) from accounts.notice where done_at is null) as notices_waiting,
        (select count(*) from accounts.mail where tries > 0 and next_try_at > now() and sending_since is null)
            as mails_deferred,
        -- since when the first mail, or notice that may be sent at once, is overdue: the post should have taken it
        (select min(since) from (
            select min(next_try_at) as since from accounts.mail where next_try_at < now()
            union all
            select min(greatest(at, ready_at)) from accounts.notice n
            where done_at is null and mail is null and not gathered and ready_at <= now()
              and not exists (select from accounts.mail m where m.person = n.person)
        ) waiting) as overdue_since,
        -- in the last quarter of an hour, as the limits of guessing count them
        (select count(*) from accounts.attempt where guess in ('password', 'code') and at > now() - interval '15 minutes')
            as failed_logins,
        (select version from accounts.followed) as followed;

grant usage on schema accounts to thidua_app, thidua_web;
grant select on accounts.figures to thidua_app, thidua_web;
grant select, insert, update on accounts.account to thidua_app;
grant select, insert, delete on accounts.invitation to thidua_app;
grant select, update on accounts.token to thidua_app;
grant select, delete on
    accounts.login, accounts.calendar, accounts.known_source, accounts.recovery_code to thidua_app;
grant select, insert, update on accounts.code_key to thidua_app;
grant select, insert on accounts.code_key to thidua_web;
grant select, insert, update, delete on accounts.mail, accounts.notice to thidua_app;
grant select, insert, update on accounts.account, accounts.token, accounts.stand_in to thidua_web;
grant select, insert, delete on accounts.attempt, accounts.invitation, accounts.recovery_code to thidua_web;
grant update (used_at) on accounts.invitation, accounts.recovery_code to thidua_web;
grant select, insert, update, delete on
    accounts.login, accounts.draft, accounts.calendar, accounts.known_source
    to thidua_web;
grant select, insert, update, delete on accounts.calendar_entry to thidua_web;
grant select, insert, update, delete on accounts.shared_draft, accounts.shared_look to thidua_web;
grant select, insert, update, delete on accounts.edition_draft to thidua_web;
grant usage on sequence accounts.shared_revision to thidua_web;
-- The worker removes what was left for long; it sees when a cell was saved, and not what it holds.
grant select (draft, at), delete on accounts.shared_draft, accounts.shared_look to thidua_app;
grant select, insert on accounts.read_log to thidua_web;
grant insert (person, what, path, exported) on accounts.read_log to thidua_app;
grant select on accounts.log, accounts.history to thidua_app, thidua_web;
grant select, update on accounts.followed to thidua_app, thidua_web;
grant select, insert, update on accounts.stand_in to thidua_app;
grant insert (change, person, by_person, door, facts) on accounts.log to thidua_app, thidua_web;
