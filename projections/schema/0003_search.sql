-- Search without diacritics: "dong da" finds Đống Đa, and hòa is hoà. Letters are folded here, for what is kept and for
-- what is asked, because this PostgreSQL may come without ICU and its own lower() may know ASCII only.

create function projections.folded(words text) returns text language sql immutable parallel safe as $$
    select translate(
        lower(normalize(words, NFC)),
        'àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ',
        'aaaaaaaaaaaaaaaaaeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyydaaaaaaaaaaaaaaaaaeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyyd'
    )
$$;

create table projections.found (
    stream  text not null,
    -- unit, document or act
    kind    text not null,
    -- a unit's id, or the place of the event in its stream
    ref     text not null,
    -- whose act it was, or the unit itself
    unit    text not null,
    -- by language; names of units and of documents are the same in all
    titles  jsonb not null,
    at      date,
    words   tsvector not null,
    primary key (stream, kind, ref)
);
create index on projections.found using gin (words);

grant select, insert, update, delete on projections.found to thidua_app;
grant select on projections.found to thidua_web, thidua_reader;
grant execute on function projections.folded to thidua_app, thidua_web, thidua_reader;
