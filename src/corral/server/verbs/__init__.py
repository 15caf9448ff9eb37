"""One module a verb. Each has `handle`, from a Request to a Response; `VERBS` is the list of them."""
