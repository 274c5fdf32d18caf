"""One file a format of imported tool contract documents."""
