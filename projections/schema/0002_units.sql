-- Whose cycle it is: a unit's tasks are read off the lines of its own cycles. The lines are rebuilt from the ledger.

alter table projections.board add column units text[] not null default '{}';
alter table projections.board add column filed boolean not null default false;
create index on projections.board using gin (units);
delete from projections.board;
delete from projections.cursor;

grant usage on schema projections to thidua_web;
grant select on all tables in schema projections to thidua_web;
