-- Texts are stored before they are signed; the web erases none.
grant usage on schema documents to thidua_web;
grant select, insert on documents.text, documents.edition to thidua_web;
