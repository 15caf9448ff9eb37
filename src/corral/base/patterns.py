"""Regular expressions that are compiled when they are first used: that takes longer than most commands need all of theirs."""

import re
from functools import partial

from corral.base.annotations import TYPE_CHECKING

if TYPE_CHECKING:

    def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
        """A regular expression, not compiled yet."""
        return re.compile(text, flags)

else:

    class _Pattern:
        def __init__(self, text, flags=0):
            self.compile = partial(re.compile, text, flags)

        def __getattr__(self, name):
            # Once for each method: it is an attribute of its own from then on.
            found = getattr(self.compile(), name)
            setattr(self, name, found)
            return found

    pattern = _Pattern
