"""The only top-level name that the wheel takes. In the wheel this folder holds the whole program (ADR 11)."""
