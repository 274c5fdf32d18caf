"""``python -m bspec_opa`` is ``bspec-opa``."""

from bspec_opa.entry import run

# Other processes of a batch import this module again, under another name.
if __name__ == "__main__":
    run()
