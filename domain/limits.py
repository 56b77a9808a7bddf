"""Every limit of the domain in one place. What passes a limit is stored for ever, so a limit is never lowered."""

LABEL_CHARS = 300
"""Names, titles, document numbers, places."""

FILES_PER_TITLE = 20
FILE_REFERENCE_CHARS = 280
"""A reference to a file: its digest, and its name."""

SLUG_CHARS = 64
"""Ids of units, clusters, persons, meetings."""

TEXT_CHARS = 200_000
"""One free text or document text, stored in the vault."""

UNITS_PER_CLUSTER = 60
CLUSTERS_PER_YEAR = 500
PEOPLE_PER_ACT = 60
VERSIONS_PER_DRAFT = 100
ANSWERS_DEPTH = 20
"""Comments that answer each other, one after another: ten turns of two sides. A longer exchange is a new comment."""

CRITERIA_PER_EDITION = 500
CRITERIA_DEPTH = 8
POINTS_MAX = 100_000
POINTS_DECIMALS = 4
COMMANDS_PER_BATCH = 600
DEADLINES_PER_EDITION = 40
DAYS_IN_RULE = 400
AMOUNT_MAX = 10**12
AMOUNT_DECIMALS = 6
STEPS_PER_CRITERION = 50
CONDITIONS_PER_CRITERION = 200
CHOICES_PER_BALLOT = 100
KINDS_PER_RULE = 20
CLASSES_PER_EDITION = 20
