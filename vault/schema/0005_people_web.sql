-- The web enters people and changes how they are reached; names and commitments of an entry it cannot change.
grant usage on schema people to thidua_web;
grant select, insert on people.person to thidua_web;
grant update (office, email, phone) on people.person to thidua_web;
