"""The sub-commands of ``shishen``: one file per noun."""
