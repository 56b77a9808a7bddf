-- A line says under which article a duty is owed. The lines are rebuilt from the ledger.

delete from readmodels.board;
delete from readmodels.cursor where name = 'board';
