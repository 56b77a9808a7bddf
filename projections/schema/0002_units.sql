-- Whose cycle it is: a unit's tasks are read off the lines of its own cycles. The lines are rebuilt from the ledger.

alter table readmodels.board add column units text[] not null default '{}';
alter table readmodels.board add column filed boolean not null default false;
create index on readmodels.board using gin (units);
delete from readmodels.board;
delete from readmodels.cursor;

grant usage on schema readmodels to thidua_web;
grant select on all tables in schema readmodels to thidua_web;
