"""Regular expressions that are compiled when they are first used: that takes longer than most commands need all of theirs."""

from corral.base.annotations import TYPE_CHECKING

if TYPE_CHECKING:
    import re

    def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
        """A regular expression, not compiled yet; its flags can stand in it, too: `(?a)` needs no `re` for its name."""
        return re.compile(text, flags)

else:

    class _Pattern:
        def __init__(self, text, flags=0):
            self.text = text
            self.how = flags

        def __getattr__(self, name):
            import re

            # Once for each method: it is an attribute of its own from then on.
            found = getattr(re.compile(self.text, self.how), name)
            setattr(self, name, found)
            return found

    pattern = _Pattern
