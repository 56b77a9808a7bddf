-- The schema of the ledger, as it is now. ledger/setup.py applies it to an empty database, as the owner, and runs the
-- files of vault, projections and accounts after it. Before the first release this file is edited in place.
--
-- Protection: no role but the owner may insert, update or delete here; thidua_app appends by ledger.append, which runs
-- with the owner's rights. Triggers refuse changes by the owner, too.
--
-- Error codes: TD001 a recorded row would be changed; TD002 another writer epoch; TD003 appends are stopped because of
-- the clock.

-- Roles belong to the server, not to the database: another database of the same server may have made them, even at the
-- same moment. They get their passwords from ledger/setup.py.
do $$
declare
    name text;
begin
    foreach name in array array[
        'thidua_app',    -- the worker and the command line
        'thidua_reader', -- verification and reports
        'thidua_web'     -- the web process: it reads and signs, it cannot append
    ] loop
        if not exists (select from pg_roles where rolname = name) then
            begin
                execute format('create role %I nologin', name);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end if;
    end loop;
end $$;

create schema ledger;

create table ledger.installation (
    one             boolean primary key default true check (one),
    id              text not null,
    epoch           integer not null check (epoch > 0),
    clock_stopped   text,
    confirmed_until timestamptz
);
comment on table ledger.installation is 'One row. id: the installation that owns this ledger; epoch: the writer epoch, raised after a restore; clock_stopped: why appends are stopped, null while they are not; confirmed_until: the recorded time up to which an operator has confirmed the clock.';

create table ledger.baseline (
    one        boolean primary key default true check (one),
    digest     text not null,
    applied_at timestamptz not null default now()
);
comment on table ledger.baseline is 'One row: sha256 of the schema files that made this database. See ledger/setup.py.';

create table ledger.batch (
    digest    bytea primary key check (length(digest) = 32),
    header    text not null,
    signature bytea not null
);
comment on table ledger.batch is 'Signed headers. A header names the person, the time and the list of commands that the signature covers. See ledger/signing.py.';

create table ledger.command (
    digest  bytea primary key check (length(digest) = 32),
    batch   bytea not null,
    payload text not null,
    unit    text not null
);
comment on table ledger.command is 'Signed commands. event.command_digest refers to digest; batch refers to batch.digest.';

create table ledger.event (
    position          bigint primary key,
    stream            text not null check (stream <> ''),
    version           bigint not null check (version > 0),
    type              text not null,
    schema            integer not null,
    payload           text not null,
    command_id        uuid not null,
    command_digest    bytea,
    actor             text not null,
    unit              text not null,
    stand_in_for      text,
    provenance        text not null,
    source            text not null,
    meeting           text,
    happened_earliest timestamptz not null,
    happened_latest   timestamptz not null,
    effective         date,
    act_key           text,
    recorded_at       timestamptz not null,
    previous          bytea not null,
    digest            bytea not null,
    unique (stream, version)
);
create index event_command on ledger.event (command_id, stream);
-- Times never fall, so a few blocks hold the events of a day.
create index event_recorded on ledger.event using brin (recorded_at);
comment on table ledger.event is 'The events, in one order. position has no gaps; digest covers every column and previous, the digest of the event before it in its stream. See ledger/events.py.';

create view ledger.gaps as
    select position, position - lag(position, 1, 0::bigint) over (order by position) - 1 as missing_before
    from ledger.event;
comment on view ledger.gaps is 'For psql: select * from ledger.gaps where missing_before <> 0; must return nothing.';

create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is append-only: % on %.% is refused', tg_op, tg_table_schema, tg_table_name
        using errcode = 'TD001';
end $$;

create trigger append_only before update or delete or truncate on ledger.event
    for each statement execute function ledger.refuse_change();
create trigger append_only before update or delete or truncate on ledger.command
    for each statement execute function ledger.refuse_change();
create trigger append_only before update or delete or truncate on ledger.batch
    for each statement execute function ledger.refuse_change();

-- Arguments of ledger.append. `request` numbers the requests of a group from 1. A part is the events of one request for
-- one stream: version and digest are those of the last event that the caller knows there (0 and 32 zero bytes: none).
-- `first_previous` is set on the first event of a part only: the digest that it follows. `content` is the digest over
-- the columns that the caller knows; the function adds position, time and chain.
create type ledger.new_part as (request integer, stream text, version bigint, digest bytea, expires timestamptz);
create type ledger.new_event as (
    request integer, stream text, version bigint, first_previous bytea, content bytea, type text, schema integer,
    payload text, command_id uuid, command_digest bytea, actor text, unit text, stand_in_for text, provenance text,
    source text, meeting text, happened_earliest timestamptz, happened_latest timestamptz, effective date, act_key text
);
create type ledger.new_command as (request integer, digest bytea, batch bytea, payload text, unit text);

-- Appends a group of requests in one transaction and answers in one row. `statuses` has one entry for each request:
--   appended  its events are stored;
--   known     the command ids of all its events stand in their streams already;
--   expired   a part expired, and the request is not known;
--   behind    a stream has another last event than the caller knows.
-- `digests` has one entry for each event, in the order given: null unless its request was appended. The positions of the
-- appended events follow each other from `first_position`.
create function ledger.append(
    parts ledger.new_part[], events ledger.new_event[], commands ledger.new_command[], batches ledger.batch[],
    writer_epoch integer,
    out statuses text[], out first_position bigint, out recorded_at timestamptz, out digests bytea[]
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- One plan for each statement: planning them anew costs more than storing the rows of a small group.
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    installation ledger.installation;
    last         record;
    stamp        timestamptz;
    stamp_bytes  bytea;
    event        ledger.new_event;
    index        integer := 0;
    at           bigint;
    before       bytea;
    positions    bigint[] := array_fill(null::bigint, array[cardinality(events)]);
    previous     bytea[] := array_fill(null::bytea, array[cardinality(events)]);
    made         bytea[] := array_fill(null::bytea, array[cardinality(events)]);
begin
    -- The one lock of all appends, held until the commit: positions are given in the order of commits, without gaps.
    perform pg_advisory_xact_lock(7163, 1);
    select * into installation from ledger.installation;
    if installation.epoch is distinct from writer_epoch then
        raise exception 'epoch' using errcode = 'TD002', detail = coalesce(installation.epoch::text, 'none');
    end if;
    if installation.clock_stopped is not null then
        raise exception 'clock' using errcode = 'TD003', detail = installation.clock_stopped;
    end if;
    select ev.position, ev.recorded_at into last from ledger.event ev order by ev.position desc limit 1;

    -- Recorded times never fall. A clock up to an hour behind the last event repeats that event's time; more stops the
    -- ledger until an operator has confirmed the times. What is confirmed is a time, not a position: the rows that
    -- follow repeat it, and are confirmed with it, until the clock has caught up.
    stamp := clock_timestamp();
    if last.recorded_at is not null and stamp < last.recorded_at then
        if stamp < last.recorded_at - interval '1 hour'
            and last.recorded_at > coalesce(installation.confirmed_until, '-infinity')
        then
            raise exception 'clock' using errcode = 'TD003', detail = 'behind';
        end if;
        stamp := last.recorded_at;
    end if;
    stamp_bytes := int8send((extract(epoch from stamp) * 1000000)::bigint);
    at := coalesce(last.position, 0);

    select array_agg(answer order by request) into statuses from (
        select p.request, case
            when bool_and(k.known) then 'known'
            when bool_or(p.expires < stamp) then 'expired'
            when bool_or(
                coalesce(tip.version, 0) <> p.version
                or coalesce(tip.digest, decode(repeat('00', 32), 'hex')) <> p.digest
            ) then 'behind'
            else 'appended' end as answer
        from unnest(parts) p
        left join lateral (
            select ev.version, ev.digest from ledger.event ev where ev.stream = p.stream order by ev.version desc limit 1
        ) tip on true
        left join (
            select n.request, bool_and(found.yes is not null) as known
            from unnest(events) n
            left join lateral (
                select true as yes from ledger.event ev
                where ev.command_id = n.command_id and ev.stream = n.stream limit 1
            ) found on true
            group by n.request
        ) k using (request)
        group by p.request
    ) answers;

    -- The same digest as ledger/events.py, chain_digest; the first bytes are its CHAIN_TAG.
    foreach event in array events loop
        index := index + 1;
        continue when statuses[event.request] <> 'appended';
        at := at + 1;
        before := coalesce(event.first_previous, before);
        positions[index] := at;
        previous[index] := before;
        before := sha256(
            '\x7468696475612d636861696e2d31'::bytea || before || int8send(at) || stamp_bytes || event.content
        );
        made[index] := before;
    end loop;

    if at > coalesce(last.position, 0) then
        if cardinality(commands) > 0 then
            insert into ledger.batch select b.* from unnest(batches) b
                where b.digest in (select c.batch from unnest(commands) c where statuses[c.request] = 'appended')
                on conflict do nothing;
            insert into ledger.command select c.digest, c.batch, c.payload, c.unit
                from unnest(commands) c where statuses[c.request] = 'appended' on conflict do nothing;
        end if;
        insert into ledger.event
            select n.new_position, n.stream, n.version, n.type, n.schema, n.payload, n.command_id, n.command_digest,
                   n.actor, n.unit, n.stand_in_for, n.provenance, n.source, n.meeting, n.happened_earliest,
                   n.happened_latest, n.effective, n.act_key, stamp, n.new_previous, n.new_digest
            from rows from (unnest(events), unnest(positions), unnest(previous), unnest(made)) as n (
                request, stream, version, first_previous, content, type, schema, payload, command_id, command_digest,
                actor, unit, stand_in_for, provenance, source, meeting, happened_earliest, happened_latest, effective,
                act_key, new_position, new_previous, new_digest
            )
            where n.new_position is not null;
        perform pg_notify('ledger', at::text);
    end if;
    first_position := coalesce(last.position, 0) + 1;
    recorded_at := stamp;
    digests := made;
end $$;

-- Stops all appends, for the reason given, until an operator confirms the clock.
create function ledger.stop_clock(why text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update ledger.installation set clock_stopped = why where clock_stopped is null
$$;

revoke all on all functions in schema ledger from public;
grant usage on schema ledger to thidua_app, thidua_reader, thidua_web;
grant select on all tables in schema ledger to thidua_app, thidua_reader, thidua_web;
grant execute on function ledger.append, ledger.stop_clock to thidua_app;
