"""One file = one capability: its Config section, prompt, class, fake and ``build_<name>()``.

The contract of a capability:

* it is a LangChain Runnable (or gives one), with a CamelCase run name, so that a trace reads like the file;
* building it loads nothing heavy: weights come at the first call or at ``warm_up()``;
* it takes ready parts and its own section as arguments, never the whole settings;
* it raises ``runnables.errors`` for what a caller can mend, and never edits its inputs.
"""
