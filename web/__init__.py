"""The desk as web pages: thin. It reads from read models and replay, and acts through the office's desk."""
