-- The ledger. Append-only by privilege and by trigger; digests are chained under one lock.

create schema ledger;

do $$ begin
    if not exists (select from pg_roles where rolname = 'thidua_app') then create role thidua_app nologin; end if;
    if not exists (select from pg_roles where rolname = 'thidua_reader') then create role thidua_reader nologin; end if;
end $$;

create table ledger.installation (
    one           boolean primary key default true check (one),
    id            text not null,
    epoch         integer not null check (epoch > 0),
    clock_stopped text,
    confirmed     bigint not null default 0
);
comment on table ledger.installation is 'One row: whose ledger this is, the writer epoch (raised by a restore), why the clock stopped appends, if it did, and up to which position an operator has confirmed the times.';

create table ledger.handover (
    digest    bytea primary key check (length(digest) = 32),
    header    text not null,
    signature bytea not null
);
comment on table ledger.handover is 'Signed headers: who said a list of commands, and when. See eventstore/signing.py.';

create table ledger.command (
    digest   bytea primary key check (length(digest) = 32),
    handover bytea not null,
    payload  text not null,
    unit     text not null
);
comment on table ledger.command is 'Signed commands, one for each event.command_digest.';

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
comment on table ledger.event is 'What happened, in one order. position has no gaps; digest covers every column and previous.';

create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is append-only: % on %.% is refused', tg_op, tg_table_schema, tg_table_name
        using errcode = 'TD001';
end $$;

create trigger append_only before update or delete or truncate on ledger.event
    for each statement execute function ledger.refuse_change();
create trigger append_only before update or delete or truncate on ledger.command
    for each statement execute function ledger.refuse_change();
create trigger append_only before update or delete or truncate on ledger.handover
    for each statement execute function ledger.refuse_change();

create type ledger.new_part as (request integer, stream text, version bigint, digest bytea);
create type ledger.new_event as (
    request integer, stream text, version bigint, first_previous bytea, content bytea, type text, schema integer,
    payload text, command_id uuid, command_digest bytea, actor text, unit text, stand_in_for text, provenance text,
    source text, meeting text, happened_earliest timestamptz, happened_latest timestamptz, effective date, act_key text
);
create type ledger.new_command as (
    request integer, digest bytea, payload text, unit text, handover bytea, header text, signature bytea
);

-- Appends a group of requests in one transaction. Each request is answered on its own: 'appended' (a row an event),
-- 'known' (its command ids stand in its streams already) or 'behind' (a stream does not stand where it believes).
create function ledger.append(
    parts ledger.new_part[], events ledger.new_event[], commands ledger.new_command[], writer_epoch integer
) returns table (request integer, status text, "position" bigint, recorded_at timestamptz, previous bytea, digest bytea)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    here       ledger.installation;
    last       record;
    stamp      timestamptz;
    stamp_send bytea;
    known      integer[];
    behind     integer[];
    e          ledger.new_event;
    i          integer := 0;
    at         bigint;
    link       bytea;
    positions  bigint[] := array_fill(null::bigint, array[cardinality(events)]);
    links      bytea[] := array_fill(null::bytea, array[cardinality(events)]);
    digests    bytea[] := array_fill(null::bytea, array[cardinality(events)]);
begin
    perform pg_advisory_xact_lock(7163, 1);
    select * into here from ledger.installation;
    if here.epoch is distinct from writer_epoch then
        raise exception 'epoch' using errcode = 'TD002', detail = coalesce(here.epoch::text, 'none');
    end if;
    if here.clock_stopped is not null then
        raise exception 'clock' using errcode = 'TD003', detail = here.clock_stopped;
    end if;
    select ev.position, ev.recorded_at into last from ledger.event ev order by ev.position desc limit 1;
    stamp := clock_timestamp();
    if last.recorded_at is not null and stamp < last.recorded_at then
        if stamp < last.recorded_at - interval '1 hour' and last.position > here.confirmed then
            raise exception 'clock' using errcode = 'TD003', detail = 'behind';
        end if;
        stamp := last.recorded_at;
    end if;
    stamp_send := int8send((extract(epoch from stamp) * 1000000)::bigint);
    at := coalesce(last.position, 0);

    select coalesce(array_agg(request), '{}') into known from (
        select c.request
        from (select distinct n.request, n.stream, n.command_id from unnest(events) n) c
        left join lateral (
            select true as found from ledger.event ev
            where ev.command_id = c.command_id and ev.stream = c.stream limit 1
        ) k on true
        group by c.request having bool_and(k.found is not null)
    ) k;
    select coalesce(array_agg(distinct p.request), '{}') into behind
    from unnest(parts) p
    left join lateral (
        select ev.version, ev.digest from ledger.event ev where ev.stream = p.stream order by ev.version desc limit 1
    ) head on true
    where not p.request = any (known)
      and (coalesce(head.version, 0) <> p.version or (head.version is not null and head.digest <> p.digest));

    foreach e in array events loop
        i := i + 1;
        continue when e.request = any (known) or e.request = any (behind);
        at := at + 1;
        link := coalesce(e.first_previous, link);
        positions[i] := at;
        links[i] := link;
        link := sha256('\x7468696475612d636861696e2d31'::bytea || link || int8send(at) || stamp_send || e.content);
        digests[i] := link;
    end loop;

    if at > coalesce(last.position, 0) then
        insert into ledger.handover select distinct on (c.handover) c.handover, c.header, c.signature
            from unnest(commands) c
            where not (c.request = any (known) or c.request = any (behind)) on conflict do nothing;
        insert into ledger.command select distinct on (c.digest) c.digest, c.handover, c.payload, c.unit
            from unnest(commands) c
            where not (c.request = any (known) or c.request = any (behind)) on conflict do nothing;
        insert into ledger.event
            select p.p, p.stream, p.version, p.type, p.schema, p.payload, p.command_id, p.command_digest, p.actor,
                   p.unit, p.stand_in_for, p.provenance, p.source, p.meeting, p.happened_earliest, p.happened_latest,
                   p.effective, p.act_key, stamp, p.l, p.d
            from rows from (unnest(events), unnest(positions), unnest(links), unnest(digests)) as p (
                request, stream, version, first_previous, content, type, schema, payload, command_id, command_digest,
                actor, unit, stand_in_for, provenance, source, meeting, happened_earliest, happened_latest, effective,
                act_key, p, l, d
            )
            where p.p is not null;
        perform pg_notify('ledger', at::text);
    end if;

    return query
        select p.request, 'appended'::text, p.p, stamp, p.l, p.d
        from rows from (unnest(array(select n.request from unnest(events) with ordinality n order by n.ordinality)),
                        unnest(positions), unnest(links), unnest(digests)) as p (request, p, l, d)
        where p.p is not null
        union all select k, 'known', null, null, null, null from unnest(known) k
        union all select b, 'behind', null, null, null, null from unnest(behind) b;
end $$;

create function ledger.stop_clock(why text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update ledger.installation set clock_stopped = why where clock_stopped is null
$$;

create view ledger.gaps as
    select position, position - lag(position, 1, 0::bigint) over (order by position) - 1 as missing_before
    from ledger.event;
comment on view ledger.gaps is 'For psql: select * from ledger.gaps where missing_before <> 0; must return nothing.';

revoke all on all functions in schema ledger from public;
grant usage on schema ledger to thidua_app, thidua_reader;
grant select on all tables in schema ledger to thidua_app, thidua_reader;
grant execute on function ledger.append, ledger.stop_clock to thidua_app;
