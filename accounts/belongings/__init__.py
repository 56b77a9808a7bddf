"""What people keep beside their account: drafts, stand-ins, calendar addresses; and the log of auditors' reading."""
