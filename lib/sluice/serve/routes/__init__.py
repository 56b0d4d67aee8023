"""The endpoints: a module with a `router` for each part of the paths, which is found by its being here."""
