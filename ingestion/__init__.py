"""From a package in the inbox to typed records in ``raw``.

Here belong the vocabulary (contract), intake, archive, ledger, reading and loading.
Judging records belongs to ``expectations``; nothing of ours is imported from here.
"""
