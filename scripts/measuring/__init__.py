"""What the scripts that measure share.

timed       one timed run of a command                 jobs       sides of a job, run in turns; streams
workloads   the canonical ones: what compare compares  rivals     files, beside others   topics  topics, beside others
runs        records read, old ones too                 record     records written
intervals   medians, their intervals                   verdicts   two sides put side by side, and what they say
page        the comparison as a page                   revisions  commits built, to be compared
host        what a host is set to, and its faults      sheet      the machine sheet
hidden      what valgrind needs on new kernels
symbols     addresses to functions and stages          profiles   stacks and instruction counts by stage

Standard library only; charts are scripts/plotting.py's.
"""
