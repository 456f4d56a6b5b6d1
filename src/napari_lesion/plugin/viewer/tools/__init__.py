"""The tools of reading: window, slab, cine, corner texts, and what lies under the cursor.

Each works on any viewer model and its layers; `reading.ReadingTools` ties them to the views of a workstation.
"""
