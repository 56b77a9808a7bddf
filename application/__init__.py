"""The use cases that the pages and the command line share: fill in fields, sign, submit, read back.

Nothing here knows a terminal or a page.
"""
