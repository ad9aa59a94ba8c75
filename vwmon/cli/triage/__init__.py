"""`vwmon alerts triage`: the work list as a full-screen queue worked by keys.

What is shown is worked out without a screen (queues, filters, charts, rows, panes, pictures). Reading and acting are in
source; only app, canvas and dialogs, and asking above those, know Textual.
"""
