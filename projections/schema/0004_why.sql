-- A line says under which article a duty is owed. The lines are rebuilt from the ledger.

delete from projections.board;
delete from projections.cursor where name = 'board';
