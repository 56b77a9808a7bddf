"""The office: what every entry point works with, whatever people hold in their hands, a terminal or a browser.

It fills fields, signs for who was authenticated, hands in, and reads back. It knows no terminal and no page.
"""
