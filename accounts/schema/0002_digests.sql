-- Notices that wait for somebody's daily or weekly mail. Written and emptied by the worker; nothing else is kept here.

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
grant select, insert, delete on accounts.digest_item to thidua_app;
