"""Setting a ledger up: its schema, its roles, whose it is. Done as the database's owner, before anybody appends."""
