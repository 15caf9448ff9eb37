"""Regular expressions that are compiled when they are first used: that takes longer than most commands need all of theirs."""

from corral.base.annotations import TYPE_CHECKING

if TYPE_CHECKING:
    import re

    def pattern(text: str) -> re.Pattern[str]:
        """A regular expression, not compiled yet; flags stand in it: `(?a)`."""
        return re.compile(text)

else:

    class _Pattern:
        def __init__(self, text):
            self.text = text

        def __getattr__(self, name):
            import re

            # Once for each method: it is an attribute of its own from then on.
            found = getattr(re.compile(self.text), name)
            setattr(self, name, found)
            return found

    pattern = _Pattern
