"""Recording files: what happened in one cluster's year, as sources state it; entered in the ledger, exported again.

A file takes this way:

1. read: `file.RecordFile` is the form of a file, `editions` finds the rules editions that it names;
2. plan: `plan` puts its acts in order and groups those of one meeting;
3. match: `match` compares each act with the ledger: known, new, or the correction of an earlier act (ADR 8);
4. run: `run` submits what is new, group by group, or decides it in memory for a dry run;
5. report: `report` says what was entered and what is remarkable about the cycles, as plain values.

`export` goes the other way, from the ledger to a file. `cases` records the documented meetings in `scenarios/real`.

The interface for entry points is `run.record_file`, `export.export_cycle` and the model `file.RecordFile`.
"""
