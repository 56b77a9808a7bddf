-- Persons: erasable, outside the ledger. Events hold ids and commitments (sha256 of salt and name).

create schema people;

create table people.person (
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
comment on table people.person is 'Erasing a person empties name, office, email, phone and salt; id and commitment stay.';

grant usage on schema people to thidua_app;
grant select, insert, update on people.person to thidua_app;
