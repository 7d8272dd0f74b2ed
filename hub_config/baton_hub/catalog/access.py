"""Who may use something of the catalogue."""

from __future__ import annotations

from pydantic import Field, model_validator

from baton_hub.catalog.words import Part, Text, wrong


class Access(Part):
    """Who may use it: everybody who is signed in, or the members of the named groups."""

    everybody: bool = Field(
        default=False, strict=True, description="True: whoever is signed in may use it"
    )
    groups: tuple[Text, ...] = Field(
        default=(), description="Hub groups; a member of any of them may use it"
    )

    @model_validator(mode="after")
    def _somebody(self) -> Access:
        if not self.everybody and not self.groups:
            raise wrong(
                "access_to_nobody", "nobody may use this: name groups, or write everybody: true"
            )
        return self

    def allows(self, groups: frozenset[str]) -> bool:
        """Tell whether somebody in these Hub groups may use it."""
        return self.everybody or not groups.isdisjoint(self.groups)
