-- The web's role: it reads the ledger and signs; it cannot append.

do $$ begin
    if not exists (select from pg_roles where rolname = 'thidua_web') then create role thidua_web nologin; end if;
end $$;

grant usage on schema ledger to thidua_web;
grant select on all tables in schema ledger to thidua_web;
